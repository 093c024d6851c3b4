"""The door for other nodes: `POST /node/v1/commands/{name}`."""

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from kernel.commands import reception, signing
from kernel.commands.errors import BodyTooLarge
from kernel.problems import MEDIA_TYPE, DomainError


@require_POST
def receive_command(request: HttpRequest, name: str) -> HttpResponse:
    """Verify the signature, carry the command out, answer."""
    try:
        try:
            body = request.body
        except RequestDataTooBig as error:
            raise BodyTooLarge from error
        token = request.headers.get(signing.HEADER, "")
        verified = signing.verify(token, name=name, body=body)
        answer = reception.receive(name, body=body, verified=verified)
    except DomainError as error:
        return HttpResponse(
            orjson.dumps(reception.problem_for_nodes(error), default=str),
            status=error.status,
            content_type=MEDIA_TYPE,
        )
    media_type = "application/json" if answer.status < 400 else MEDIA_TYPE
    return HttpResponse(answer.content, status=answer.status, content_type=media_type)

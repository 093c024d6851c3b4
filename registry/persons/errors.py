"""What can be wrong about persons."""

from kernel.problems import DomainError


class NotLinkedYet(DomainError):
    """The registration is there, its person not yet."""

    status, code = 404, "not-linked-yet"
    title = {"zh": "该患者登记尚未关联到居民主索引", "en": "This registration is not linked yet"}

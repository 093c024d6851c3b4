"""What can be wrong when somebody asks for figures."""

from kernel.problems import DomainError


class AskTheHub(DomainError):
    """Figures are merged at the hub."""

    status, code = 421, "ask-the-hub"
    title = {
        "zh": "全省数据请在省级平台查看",
        "en": "The figures of the province are told at the hub",
    }


class PlaceUnknown(DomainError):
    """No city or hospital of the province bears this code."""

    status, code = 404, "place-unknown"
    title = {"zh": "没有这个市州或医院", "en": "There is no such city or hospital"}


class TooManyStreams(DomainError):
    """The node keeps as many streams open as it may (STREAMS_MAX)."""

    status, code = 503, "too-many-streams"
    title = {
        "zh": "同时观看的人太多，页面将改为定时刷新",
        "en": "Too many are watching: the page reads at intervals instead",
    }

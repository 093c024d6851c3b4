"""What each figure counts, in plain words: shown wherever a figure is tapped."""

from collections.abc import Mapping
from dataclasses import dataclass

from kernel.problems import Words


@dataclass(frozen=True, slots=True)
class Definition:
    """The name of a figure, what it counts, and in which unit."""

    title: Words
    text: Words
    unit: Words


TIMES = {"zh": "人次", "en": "visits"}
NUMBERS = {"zh": "个", "en": "numbers"}
MESSAGES = {"zh": "条", "en": "messages"}
PEOPLE = {"zh": "人", "en": "people"}

DEFINITIONS: Mapping[str, Definition] = {
    "visits": Definition(
        {"zh": "就诊", "en": "Visits"},
        {
            "zh": "今天开始的就诊和住院，按医院推送的就诊开始时间计入，晚到的也补进开始的那十分钟。"
            "计划中的、取消的和录错撤回的不算。",
            "en": "Visits and stays that began today, by the time the hospital states, also when told of later."
            " Planned, cancelled and withdrawn ones do not count.",
        },
        TIMES,
    ),
    "booked": Definition(
        {"zh": "预约", "en": "Bookings"},
        {
            "zh": "今天约出的号，不论哪天就诊；之后又取消的也算，取消另外统计。",
            "en": "Numbers booked today for whatever day; those cancelled later still count, cancellations apart.",
        },
        NUMBERS,
    ),
    "cancelled": Definition(
        {"zh": "取消", "en": "Cancellations"},
        {
            "zh": "今天取消的预约：居民自己取消的，和医院停诊退回的。",
            "en": "Bookings taken back today, by residents or because a hospital stopped a clinic.",
        },
        NUMBERS,
    ),
    "persons": Definition(
        {"zh": "新建档居民", "en": "New people"},
        {
            "zh": "今天第一次进入居民主索引的人，计在最先报来的医院。已经认识的人在别处再登记不算。",
            "en": "People whom the master patient index met for the first time today, at the hospital that told"
            " of them first. Somebody known already who registers elsewhere does not count.",
        },
        PEOPLE,
    ),
    "registrations": Definition(
        {"zh": "患者登记", "en": "Registrations"},
        {
            "zh": "医院今天新报来的患者登记。同一个人在两家医院是两条登记。",
            "en": "Patients whom hospitals put on file today. The same person at two hospitals counts twice.",
        },
        {"zh": "条", "en": "registrations"},
    ),
    "accepted": Definition(
        {"zh": "收下的消息", "en": "Messages taken"},
        {
            "zh": "市州节点今天收下的医院推送，重发的也算一次。",
            "en": "What hospitals pushed today and their city took; a repeated message counts each time.",
        },
        MESSAGES,
    ),
    "refused": Definition(
        {"zh": "退回的消息", "en": "Messages refused"},
        {
            "zh": "市州节点今天退回的医院推送：内容不合规，已告诉医院错在哪里、怎么改。",
            "en": "What hospitals pushed today and their city refused, saying what is wrong and how to mend it.",
        },
        MESSAGES,
    ),
    "resources": Definition(
        {"zh": "入库资源", "en": "Resources stored"},
        {
            "zh": "今天收下的消息里写入的病历资源（就诊、诊断、检验、处方等）。",
            "en": "Entries of records written today out of what was taken: visits, conditions, results,"
            " prescriptions.",
        },
        {"zh": "份", "en": "resources"},
    ),
    "taken": Definition(
        {"zh": "今天的号约出", "en": "Today's numbers taken"},
        {
            "zh": "今天出诊、已放号的号源里已经约出的。",
            "en": "Of the numbers released for today, those that are taken.",
        },
        NUMBERS,
    ),
    "free": Definition(
        {"zh": "今天的号剩余", "en": "Today's numbers left"},
        {
            "zh": "今天出诊、已放号的号源里没有约出的，已经过了时段的也在内。",
            "en": "Of the numbers released for today, those that are not taken, also when their time has passed.",
        },
        NUMBERS,
    ),
    "free_coming": Definition(
        {"zh": "后 7 天余号", "en": "Left in the next 7 days"},
        {
            "zh": "从明天起 7 天内已放号、还没有约出的号。",
            "en": "Numbers released for the seven days from tomorrow on that are not taken.",
        },
        NUMBERS,
    ),
}

"""Why residents see a doctor, what is measured and what is prescribed.

Laboratory items carry LOINC codes and UCUM units, vaccines CVX codes; diagnoses are rows of
`samples/registry/icd10.csv.gz`. Frequencies are rough, the combinations plausible.
"""

from dataclasses import dataclass

from registry.identity_documents import FEMALE, MALE


@dataclass(frozen=True, slots=True)
class Item:
    """Something measured: code, name, unit, usual range, decimals."""

    loinc: str
    name: str
    unit: str
    low: float
    high: float
    decimals: int


@dataclass(frozen=True, slots=True)
class Panel:
    """Items reported together; without a code where LOINC has no panel of just these."""

    loinc: str | None
    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Imaging:
    """An examination reported in words."""

    loinc: str
    name: str
    normal: str
    finding: str


@dataclass(frozen=True, slots=True)
class Drug:
    """A medicine as prescribed: pack, dose, route and times a day."""

    name: str
    dose: float
    unit: str
    route: str
    times_a_day: int
    days: int


@dataclass(frozen=True, slots=True)
class Complaint:
    """A reason for a visit with its usual department, tests and medicines."""

    icd10: str
    says: str
    departments: tuple[str, ...]
    weight: int
    ages: tuple[int, int] = (0, 120)
    sex: str | None = None
    panels: tuple[Panel, ...] = ()
    imaging: Imaging | None = None
    drugs: tuple[Drug, ...] = ()
    admitted: float = 0.0


WHITE_CELLS = Item("6690-2", "白细胞计数", "10*9/L", 3.5, 9.5, 2)
HAEMOGLOBIN = Item("718-7", "血红蛋白", "g/L", 115, 175, 0)
BLOOD_COUNT = Panel(
    "58410-2",
    "血常规",
    (
        WHITE_CELLS,
        Item("789-8", "红细胞计数", "10*12/L", 3.8, 5.8, 2),
        HAEMOGLOBIN,
        Item("777-3", "血小板计数", "10*9/L", 125, 350, 0),
        Item("1988-5", "C反应蛋白", "mg/L", 0, 10, 1),
    ),
)
LIVER_KIDNEY = Panel(
    None,
    "肝肾功能",
    (
        Item("1742-6", "丙氨酸氨基转移酶", "U/L", 7, 50, 0),
        Item("1920-8", "天门冬氨酸氨基转移酶", "U/L", 13, 40, 0),
        Item("14682-9", "肌酐", "umol/L", 41, 97, 0),
        Item("14933-6", "尿酸", "umol/L", 155, 428, 0),
    ),
)
LIPIDS = Panel(
    "24331-1",
    "血脂",
    (
        Item("14647-2", "总胆固醇", "mmol/L", 2.8, 5.2, 2),
        Item("14927-8", "甘油三酯", "mmol/L", 0.4, 1.7, 2),
        Item("14646-4", "高密度脂蛋白胆固醇", "mmol/L", 1.0, 1.9, 2),
    ),
)
GLUCOSE = Panel(
    None,
    "血糖",
    (
        Item("14771-0", "空腹血糖", "mmol/L", 3.9, 6.1, 1),
        Item("4548-4", "糖化血红蛋白", "%", 4.0, 6.0, 1),
    ),
)

PULSE = Item("8867-4", "脉搏", "/min", 60, 100, 0)
TEMPERATURE = Item("8310-5", "体温", "Cel", 36.0, 37.2, 1)
SYSTOLIC = Item("8480-6", "收缩压", "mm[Hg]", 90, 139, 0)
DIASTOLIC = Item("8462-4", "舒张压", "mm[Hg]", 60, 89, 0)
WEIGHT = Item("29463-7", "体重", "kg", 45, 85, 1)
BLOOD_PRESSURE = ("85354-9", "血压")

CHEST_CT = Imaging(
    "24627-2", "胸部CT平扫", "两肺未见明显异常", "双肺下叶散在斑片状高密度影, 考虑炎症"
)
ULTRASOUND = Imaging("24558-9", "腹部超声", "肝胆胰脾双肾未见明显异常", "胆囊内见强回声光团伴声影")
ECG = Imaging("11524-6", "十二导联心电图", "窦性心律, 正常心电图", "窦性心律, ST-T改变")
HEAD_CT = Imaging("24725-4", "头颅CT平扫", "颅内未见明显异常", "左侧基底节区腔隙性低密度影")
SPINE_MRI = Imaging("24968-0", "腰椎磁共振平扫", "腰椎生理曲度存在", "L4/5椎间盘向后突出")

AMOXICILLIN = Drug("阿莫西林胶囊 0.25g", 0.5, "g", "口服", 3, 5)
IBUPROFEN = Drug("布洛芬混悬液 100ml:2g", 5, "mL", "口服", 3, 3)
AMLODIPINE = Drug("苯磺酸氨氯地平片 5mg", 5, "mg", "口服", 1, 28)
METFORMIN = Drug("盐酸二甲双胍片 0.5g", 0.5, "g", "口服", 2, 28)
ASPIRIN = Drug("阿司匹林肠溶片 100mg", 100, "mg", "口服", 1, 28)
ATORVASTATIN = Drug("阿托伐他汀钙片 20mg", 20, "mg", "口服", 1, 28)
OMEPRAZOLE = Drug("奥美拉唑肠溶胶囊 20mg", 20, "mg", "口服", 1, 14)
LORATADINE = Drug("氯雷他定片 10mg", 10, "mg", "口服", 1, 7)
SALBUTAMOL = Drug("硫酸沙丁胺醇吸入气雾剂 100μg", 200, "ug", "吸入", 3, 14)
SMECTITE = Drug("蒙脱石散 3g", 3, "g", "口服", 3, 3)
DOXYCYCLINE = Drug("盐酸多西环素片 0.1g", 0.1, "g", "口服", 2, 42)
ISATIS = Drug("板蓝根颗粒 10g", 10, "g", "口服", 3, 5)
FERROUS = Drug("琥珀酸亚铁片 0.1g", 0.1, "g", "口服", 3, 14)
CELECOXIB = Drug("塞来昔布胶囊 0.2g", 0.2, "g", "口服", 1, 10)

COMPLAINTS = (
    Complaint("J06.903", "流涕、咽痛3天", ("A03.01", "A02", "A03", "A20", "A50.01"), 18, panels=(BLOOD_COUNT,), drugs=(ISATIS,)),
    Complaint("J20.904", "咳嗽、咳痰1周", ("A03.01", "A02", "A03", "A50.01"), 9, panels=(BLOOD_COUNT,), drugs=(AMOXICILLIN,)),
    Complaint("J18.901", "发热、咳嗽4天", ("A03.01", "A03", "A20"), 4, panels=(BLOOD_COUNT, LIVER_KIDNEY), imaging=CHEST_CT, drugs=(AMOXICILLIN,), admitted=0.6),
    Complaint("J03.903", "发热、咽痛2天", ("A07", "A11", "A02", "A03"), 5, ages=(2, 17), panels=(BLOOD_COUNT,), drugs=(IBUPROFEN,)),
    Complaint("J18.008", "咳嗽、喘息3天", ("A07", "A03"), 4, ages=(0, 9), panels=(BLOOD_COUNT,), imaging=CHEST_CT, drugs=(IBUPROFEN,), admitted=0.4),
    Complaint("K52.904", "腹泻2天", ("A07", "A03.02", "A02", "A03"), 5, panels=(BLOOD_COUNT,), drugs=(SMECTITE,)),
    Complaint("B08.401", "手足皮疹1天", ("A07", "A16", "A02"), 2, ages=(0, 7), panels=(BLOOD_COUNT,)),
    Complaint("K29.502", "上腹部隐痛1月", ("A03.02", "A03", "A02", "A50.01"), 9, ages=(16, 90), panels=(LIVER_KIDNEY,), drugs=(OMEPRAZOLE,)),
    Complaint("K80.203", "右上腹痛3天", ("A04.01", "A04", "A03.02"), 3, ages=(25, 85), panels=(BLOOD_COUNT, LIVER_KIDNEY), imaging=ULTRASOUND, admitted=0.4),
    Complaint("K35.902", "转移性右下腹痛1天", ("A04.01", "A04", "A20"), 2, ages=(8, 70), panels=(BLOOD_COUNT,), imaging=ULTRASOUND, admitted=0.9),
    Complaint("I10.X11", "血压升高5年, 复诊开药", ("A03.04", "A03", "A02", "A50.01"), 22, ages=(35, 97), panels=(LIVER_KIDNEY, LIPIDS), drugs=(AMLODIPINE,)),
    Complaint("E11.901", "口干、多饮, 糖尿病复诊", ("A03.07", "A03", "A02"), 12, ages=(35, 95), panels=(GLUCOSE, LIVER_KIDNEY), drugs=(METFORMIN,)),
    Complaint("I25.101", "活动后胸闷半年", ("A03.04", "A03"), 8, ages=(45, 97), panels=(LIPIDS, LIVER_KIDNEY), imaging=ECG, drugs=(ASPIRIN, ATORVASTATIN), admitted=0.3),
    Complaint("I63.902", "左侧肢体无力6小时", ("A03.03", "A03", "A20"), 4, ages=(50, 97), panels=(GLUCOSE, LIPIDS), imaging=HEAD_CT, drugs=(ASPIRIN, ATORVASTATIN), admitted=0.9),
    Complaint("E78.501", "体检发现血脂高", ("A03.04", "A03", "A02"), 5, ages=(30, 85), panels=(LIPIDS,), drugs=(ATORVASTATIN,)),
    Complaint("J44.901", "反复咳嗽、气短10年", ("A03.01", "A03"), 5, ages=(50, 95), panels=(BLOOD_COUNT,), imaging=CHEST_CT, drugs=(SALBUTAMOL,), admitted=0.4),
    Complaint("J45.903", "发作性喘息", ("A03.01", "A03", "A07"), 3, ages=(5, 70), panels=(BLOOD_COUNT,), drugs=(SALBUTAMOL,)),
    Complaint("J30.401", "喷嚏、鼻痒2周", ("A11", "A02", "A03"), 4, ages=(4, 60), drugs=(LORATADINE,)),
    Complaint("M54.562", "腰痛3月", ("A04.03", "A50.10", "A50.14", "A50", "A21", "A04", "A03"), 9, ages=(25, 85), imaging=SPINE_MRI, drugs=(CELECOXIB,)),
    Complaint("M10.991", "右足第一跖趾关节红肿2天", ("A03.07", "A03", "A50.01"), 3, ages=(30, 75), sex=MALE, panels=(LIVER_KIDNEY,), drugs=(CELECOXIB,)),
    Complaint("L50.901", "全身风团1天", ("A13", "A50.05", "A02", "A03"), 4, drugs=(LORATADINE,)),
    Complaint("L30.902", "皮肤红斑伴痒1周", ("A13", "A50.05", "A02", "A03"), 4, drugs=(LORATADINE,)),
    Complaint("K02.901", "牙痛1周", ("A12", "A02", "A03"), 6, ages=(4, 80)),
    Complaint("D50.902", "乏力、面色苍白1月", ("A03", "A02", "A05.01"), 3, ages=(14, 55), sex=FEMALE, panels=(BLOOD_COUNT,), drugs=(FERROUS,)),
    Complaint("N76.001", "外阴瘙痒3天", ("A05.01", "A05", "A50.03"), 4, ages=(18, 65), sex=FEMALE),
    Complaint("H26.901", "右眼视物模糊1年", ("A10", "A03"), 2, ages=(55, 95), admitted=0.5),
    Complaint("G47.001", "入睡困难2月", ("A15", "A50.01", "A50", "A02", "A03"), 4, ages=(20, 85)),
    Complaint("R51.X01", "头痛1周", ("A03.03", "A03", "A02", "A50.01"), 5, ages=(10, 85), imaging=HEAD_CT),
    Complaint("A23.901", "间断发热、关节痛1月, 养羊", ("A16", "A03"), 1, ages=(18, 70), panels=(BLOOD_COUNT, LIVER_KIDNEY), drugs=(DOXYCYCLINE,), admitted=0.3),
    Complaint("B67.901", "体检发现肝囊性占位, 牧区居住", ("A04.01", "A16", "A04"), 1, ages=(10, 75), panels=(LIVER_KIDNEY,), imaging=ULTRASOUND, admitted=0.6),
)  # fmt: skip
"""Departments in the order of preference; the first the hospital has takes the patient."""

VACCINES = (
    ("19", "卡介苗", 0),
    ("08", "重组乙型肝炎疫苗", 0),
    ("10", "脊髓灰质炎灭活疫苗", 1),
    ("20", "无细胞百白破疫苗", 1),
    ("03", "麻腮风联合减毒活疫苗", 2),
    ("21", "水痘减毒活疫苗", 3),
)
"""CVX code, name and the age in years from which a child gets it."""

ALLERGENS = (
    ("青霉素类", "medication"),
    ("磺胺类", "medication"),
    ("花粉", "environment"),
    ("海鲜", "food"),
)
ALLERGIC = 0.06

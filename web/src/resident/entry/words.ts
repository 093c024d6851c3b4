import { speaker } from "@/language/say.ts"
import type { Words } from "@/language/words.ts"

/** Signing in by phone, and saying who one is. */
export const ENTRY = {
  phone: ["您的手机号", "Your phone number"],
  phoneHint: ["11 位，用来收验证码", "11 digits; we send it a code"],
  phoneMissing: ["请填写手机号", "Enter your phone number"],
  phoneUnfit: ["手机号应是 1 开头的 11 位数字", "A phone number has 11 digits and begins with 1"],
  sendCode: ["获取验证码", "Send me a code"],
  firstTime: ["第一次用，登录时自动注册。", "New here? Signing in makes your account."],
  byPassword: ["用账号和密码登录", "Sign in with login and password"],
  byPhone: ["用手机号登录", "Sign in by phone"],
  tooManyCodes: [
    "这个网络上要验证码的次数太多了，请过 1 小时再试",
    "Too many codes were asked for from this network; try again in an hour",
  ],

  signIn: ["登录", "Sign in"],
  code: ["填写验证码", "Enter the code"],
  codeLabel: ["6 位验证码", "Code of 6 digits"],
  codeSent: ["短信已发到 {phone}，5 分钟内有效。", "Sent to {phone}. It is valid for 5 minutes."],
  codeMissing: ["请填写 6 位数字", "Enter the 6 digits"],
  codeRefused: [
    "验证码不对，或者已经过期。一个验证码最多试 5 次",
    "The code is not right, or has expired. Each can be tried 5 times",
  ],
  resendIn: ["{seconds} 秒后可以重新获取", "You can ask again in {seconds} s"],
  resendNow: ["没收到？可以重新获取了", "Nothing came? You can ask again now"],
  resend: ["重新获取验证码", "Send another code"],
  resent: [
    "新的验证码已发出，旧的不能用了",
    "A new code is on its way; the old one no longer works",
  ],
  codeHelp: [
    "一个手机号 1 小时内只能收几条。一直收不到，请看看是不是被当成垃圾短信拦了。",
    "A phone gets a few codes an hour at most. If none comes, look among blocked messages.",
  ],
  otherPhone: ["换一个手机号", "Use another number"],

  bind: ["您是哪一位？", "Who are you?"],
  bindText: [
    "填一次，就能看到您在省内各家医院的记录，也才能挂号。",
    "Say it once: you will see your records of all hospitals, and can book.",
  ],
  name: ["姓名", "Name"],
  nameHint: ["和证件上一样", "As on your document"],
  nameMissing: ["请填写姓名", "Enter your name"],
  document: ["证件", "Document"],
  document01: ["居民身份证", "Resident identity card"],
  document03: ["护照", "Passport"],
  document06: ["港澳居民来往内地通行证", "Mainland travel permit (Hong Kong, Macao)"],
  document07: ["台湾居民来往大陆通行证", "Mainland travel permit (Taiwan)"],
  number: ["证件号码", "Document number"],
  numberMissing: ["请填写证件号码", "Enter the number of your document"],
  numberUnfit: [
    "号码不对，请对着证件再看一看",
    "This is no such number: compare it with your document",
  ],
  bindNow: ["确定是我", "This is me"],
  bindLater: ["以后再说", "Later"],
  bindRefused: ["没有对上", "It did not work out"],
  bindRefusedText: [
    "请核对姓名和号码。从没在省内医院看过病，或登记有误，请带证件到就诊医院的窗口办理。",
    "Check name and number. If you never were at a hospital of the province, or were registered wrongly, take your document to a hospital's desk.",
  ],
  tooManyBindings: ["今天试得太多了", "Too many attempts today"],
  tooManyBindingsText: [
    "为保护大家的资料，请 24 小时后再试，或带证件到医院窗口办理。",
    "To protect everybody's data, try again in 24 hours, or go to a hospital's desk.",
  ],
  bindPrivacy: [
    "只用来找到您自己的记录，试错会记下来，本人能看到。",
    "Used only to find your own record. Wrong attempts are kept, and the person concerned sees them.",
  ],

  level: ["实名等级", "Identity"],
  unverified: ["未实名", "Not confirmed"],
  unverifiedText: [
    "填姓名和证件号，就能看档案、挂号",
    "Say who you are to see your record and book",
  ],
  self_declared: ["本人填报", "Stated by yourself"],
  window_checked: ["窗口核验", "Checked at a desk"],
  card_reader: ["读卡核验", "Card was read"],
  public_security_verified: ["公安核验", "Checked by the police"],
} as const satisfies Words

export const say = speaker(ENTRY)
export type EntryWord = keyof typeof ENTRY

import { speaker } from "./say.ts"
import type { Words } from "./words.ts"

export const SHARED = {
  skip: ["跳到正文", "Skip to the content"],
  again: ["再试一次", "Try again"],
  loading: ["正在打开……", "Loading…"],
  quote: ["编号 {code}", "Reference {code}"],
  unreachable: ["连不上网络", "No connection"],
  unreachableRemedy: [
    "请看看手机信号或无线网，然后再试一次。",
    "Check your signal or Wi-Fi, then try again.",
  ],
  failed: ["这里出了问题，不是您操作的错", "Something went wrong here; it is not your fault"],
  failedRemedy: [
    "请过一会儿再试。还不行，请打 12320，把编号念给对方听。",
    "Try again in a while. If it goes on, call 12320 and read out the reference.",
  ],
  signIn: ["登录", "Sign in"],
  signInLogin: ["账号", "Login"],
  signInPassword: ["密码", "Password"],
  signInShow: ["显示密码", "Show the password"],
  signInHide: ["隐藏密码", "Hide the password"],
  signInLoginMissing: ["请填写账号", "Enter your login"],
  signInPasswordMissing: ["请填写密码", "Enter your password"],
  signInRefused: ["账号或密码不对，请再看一看", "The login or the password is not right"],
  signInLocked: [
    "连续输错太多次，为保护您的账号，请 30 分钟后再试",
    "Too many failed attempts: to protect your account, try again in 30 minutes",
  ],
  signInOther: ["换一个账号", "Use another login"],
  signInAs: ["账号 {login}", "Login {login}"],
  factorCode: ["动态验证码", "One-time code"],
  factorFirstCode: ["应用里显示的 6 位数字", "The six digits that the app shows"],
  factorHelp: [
    "打开验证器应用，输入 6 位数字；每 30 秒更换，每个只能用一次。手机丢失或换机，请找医院管理员重置。",
    "Open your authenticator and enter its six digits; they change every 30 seconds and serve once. If the phone is lost, the hospital's administrator resets it.",
  ],
  factorMissing: ["请输入 6 位数字", "Enter the six digits"],
  factorFirstHelp: ["输对一次就绑定好了。", "One right code completes the set-up."],
  factorSetup: ["首次登录：绑定动态验证码", "First sign-in: set up an authenticator"],
  factorSetupApp: [
    "在手机上打开任一验证器应用（支持 TOTP 即可）。",
    "Open any authenticator app (TOTP) on your phone.",
  ],
  factorSetupScan: ["扫描下面的二维码添加账号。", "Scan this code to add the account."],
  factorPicture: ["绑定用的二维码", "QR code for the set-up"],
  factorByHand: ["不能扫码时，手工输入密钥：", "If you cannot scan, enter this key by hand:"],
  "second-factor-refused": [
    "动态验证码不对或已用过，请等下一个再输",
    "The code is wrong or was used: wait for the next one",
  ],
  signOut: ["退出登录", "Sign out"],
  otherLanguage: ["English", "中文"],
  elder: ["长辈版", "Large type"],
  standard: ["标准版", "Standard"],
  notFound: ["没有这个页面", "There is no such page"],
  notFoundRemedy: [
    "地址可能写错了，或者页面已经搬走。",
    "The address may be mistyped, or the page has moved.",
  ],
  home: ["回到首页", "Back to the start"],
} as const satisfies Words

export const say = speaker(SHARED)

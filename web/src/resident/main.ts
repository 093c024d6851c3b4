import "@/design/base.css"
import "./resident.css"
import { createApp } from "vue"
import { followPreferences } from "@/language/preferences.ts"
import ResidentApp from "./ResidentApp.vue"
import { router } from "./router.ts"

followPreferences()
createApp(ResidentApp).use(router).mount("#app")

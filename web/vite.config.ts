import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { brotliCompressSync, gzipSync } from "node:zlib"
import vue from "@vitejs/plugin-vue"
import { defineConfig, type Plugin } from "vite"
import pages from "./pages.json" with { type: "json" }

const entries = Object.keys(pages)
const node = process.env.NODE_URL ?? "http://127.0.0.1:7600"

/** Lays a .gz and a .br beside each built file, as whitenoise and nginx look for them. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle({ dir = "" }) {
      const folder = join(dir, "static/pages")
      for (const name of readdirSync(folder).filter((one) => /\.(js|css|svg)$/.test(one))) {
        const bytes = readFileSync(join(folder, name))
        writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes, { level: 9 }))
        writeFileSync(join(folder, `${name}.br`), brotliCompressSync(bytes))
      }
    },
  }
}

/** In development, the addresses of an entry's router lead to its HTML file, as the node does it. */
function routed(): Plugin {
  const entryOf = new Map(
    Object.entries(pages).flatMap(([entry, addresses]) =>
      addresses.map((address) => [address, entry] as const),
    ),
  )
  return {
    name: "routed",
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const entry = entryOf.get((request.url ?? "").split("?")[0] ?? "")
        if (entry) request.url = `/${entry}.html`
        next()
      })
    },
  }
}

export default defineConfig({
  plugins: [vue(), compressed(), routed()],
  resolve: { alias: { "@": join(import.meta.dirname, "src") } },
  define: { __VUE_OPTIONS_API__: "false" },
  server: { proxy: { "/api": node } },
  build: {
    target: "es2020", // WeChat's browser on phones of 2020
    assetsDir: "static/pages",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: "manifest.json",
    rollupOptions: {
      checks: { pluginTimings: false },
      input: entries.map((entry) => join(import.meta.dirname, `${entry}.html`)),
    },
  },
})

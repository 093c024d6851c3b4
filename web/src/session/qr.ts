/** A QR code as one path on a grid, a unit a module: drawn by SVG, so no picture is made and no policy bent. */
import qrcode from "qrcode-generator"

export function pathOf(text: string): { path: string; size: number } {
  const code = qrcode(0, "M")
  code.addData(text, "Byte")
  code.make()
  const size = code.getModuleCount()
  let path = ""
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      if (code.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`
    }
  }
  return { path, size }
}

import { onBeforeUnmount, onMounted, ref, type ShallowRef } from "vue"

/** How large an element is drawn, in pixels, as it changes. */
export function useSize(element: Readonly<ShallowRef<Element | null>>) {
  const width = ref(0)
  const height = ref(0)
  const observer = new ResizeObserver(([entry]) => {
    width.value = entry?.contentRect.width ?? 0
    height.value = entry?.contentRect.height ?? 0
  })
  onMounted(() => {
    if (element.value) observer.observe(element.value)
  })
  onBeforeUnmount(() => observer.disconnect())
  return { width, height }
}

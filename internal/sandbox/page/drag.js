// Dragging with mouse or pen. A finger scrolls the board instead, and moves
// cards by their menu.

const threshold = 5; // pixels before a press becomes a drag
let active = null;

export const dragging = () => active !== null;

// draggable calls drop(status) when the node is let go over a column, then
// ended(), and click() when the node itself was clicked or tapped.
export function draggable(node, { drop, ended, click }) {
  let dragged = false;
  const onControl = (event) => event.target.closest("button") !== null;
  node.addEventListener("click", (event) => {
    if (!dragged && !onControl(event)) click();
  });
  node.addEventListener("pointerdown", (event) => {
    dragged = false;
    if (event.button !== 0 || event.pointerType === "touch" || active || onControl(event)) return;
    const start = { x: event.clientX, y: event.clientY };
    const control = new AbortController();
    const options = { signal: control.signal };
    let drag = null;
    const end = () => {
      control.abort();
      drag?.end();
      active = null;
    };
    node.setPointerCapture(event.pointerId);
    node.addEventListener("pointermove", (moved) => {
      if (!drag && Math.hypot(moved.clientX - start.x, moved.clientY - start.y) > threshold) {
        drag = active = lift(node, start);
        dragged = true;
      }
      drag?.follow(moved);
    }, options);
    node.addEventListener("pointerup", (released) => {
      const status = drag?.over(released)?.dataset.status;
      end();
      if (status) drop(status);
      if (dragged) ended();
    }, options);
    const cancel = () => {
      end();
      ended();
    };
    node.addEventListener("pointercancel", cancel, options);
    document.addEventListener("keydown", (key) => {
      if (key.key === "Escape") cancel();
    }, options);
  });
}

// lift takes the node out of its column and leaves a gap in its place.
function lift(node, start) {
  const box = node.getBoundingClientRect();
  const gap = document.createElement("li");
  gap.className = "placeholder";
  gap.style.height = `${box.height}px`;
  node.after(gap);
  node.classList.add("dragging");
  node.style.width = `${box.width}px`;
  const columnAt = (event) => document.elementsFromPoint(event.clientX, event.clientY).find((found) => found.matches(".column"));
  const highlight = (column) => {
    for (const other of document.querySelectorAll(".column")) other.classList.toggle("target", other === column);
  };
  return {
    over: columnAt,
    follow(event) {
      node.style.left = `${box.left + event.clientX - start.x}px`;
      node.style.top = `${box.top + event.clientY - start.y}px`;
      highlight(columnAt(event));
    },
    end() {
      node.classList.remove("dragging");
      node.removeAttribute("style");
      gap.remove();
      highlight(null);
    },
  };
}

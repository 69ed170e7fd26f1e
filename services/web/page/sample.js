// A picture for someone without one at hand: hills under a sky, painted here, sent like any other.
export async function paintSample(width = 3000, height = 2000) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const paint = canvas.getContext("2d");
  const sky = paint.createLinearGradient(0, 0, 0, height);
  [["#1b3b6f", 0], ["#e8a87c", 0.55], ["#fbe6c8", 0.7]].forEach(([colour, stop]) => sky.addColorStop(stop, colour));
  paint.fillStyle = sky;
  paint.fillRect(0, 0, width, height);
  paint.fillStyle = "#fff3d6";
  paint.beginPath();
  paint.arc(width * 0.68, height * 0.46, height * 0.07, 0, 7);
  paint.fill();
  ["#7d6b8f", "#55587d", "#2f4858", "#1c2f2b"].forEach((colour, layer) => {
    paint.fillStyle = colour;
    paint.beginPath();
    paint.moveTo(0, height);
    for (let x = 0; x <= width; x += 8) {
      const far = (x / width) * (6 + layer * 5) + layer * 2;
      const ridge = Math.sin(far) * 0.05 + Math.sin(far * 2.7 + layer) * 0.025 + Math.sin(far * 9.1) * 0.006;
      paint.lineTo(x, height * (0.58 + layer * 0.1 + ridge));
    }
    paint.lineTo(width, height);
    paint.fill();
  });
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  // Cut small, so that there are tiles to be watched: it would be done sooner as a single one.
  return Object.assign(new File([blob], "sample.jpg", { type: "image/jpeg" }), { tileSize: 384 });
}

/** Every text of the page, in English. Those in `index.html` are found by data-text and data-label. */

const percent = (share) => (share > 0 && share < 0.001 ? "less than 0.1 %" : `${(share * 100).toFixed(1)} %`);
const bytes = (count) =>
  count < 1e6 ? `${Math.ceil(count / 1e3)} KB` : `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
const duration = (seconds) =>
  seconds < 90 ? `${Math.max(Math.round(seconds), 1)} s` : `${Math.round(seconds / 60)} min`;

const words = {
  after: "After",
  alsoColor: "Color the result, if it is black and white",
  always: "Restore even if nothing is found",
  before: "Before",
  brushSize: "Size of the brush ([ and ])",
  cancel: "Cancel",
  clear: "Remove all marks",
  close: "Close",
  colorize: "Color",
  colorings: "Color versions",
  command: "The same on the command line",
  copy: "Copy",
  defects: "What is filled",
  download: "Download",
  emptyHint: "Drop them anywhere, paste them, or choose files. Nothing is changed before you ask for it.",
  emptyTitle: "Open photographs",
  find: "Show found",
  force: "Go on anyway",
  found: "Found in this picture",
  hintColor: "Color of the next hint",
  hints: "Color hints",
  keys: "Keys",
  loadMask: "Load mask",
  maskAuto: "Cracks, scratches and specks that are found",
  maskGiven: "Only what is marked",
  maskNone: "Nothing",
  more: "More settings",
  noHints: "Choose the drop below the picture, a color, and click on what has it.",
  open: "Open",
  openFirst: "Choose files",
  overlay: "Show where it is unsure",
  panel: "Restore and color",
  pictures: "Pictures",
  private: "Your pictures stay on this computer. 16 bits, EXIF, profile and resolution are kept.",
  progress: "Progress",
  redo: "Redo (Ctrl+Shift+Z)",
  restore: "Restore",
  restoreAll: "Restore all",
  results: "Results",
  samples: "Other plausible results",
  saturation: "Saturation",
  saveMask: "Save mask",
  seed: "Seed of the versions",
  sensitivity: "Sensitivity",
  slider: "Before and after",
  stage: "Picture",
  strength: "Strength",
  toolBrush: "Mark what is damaged (B)",
  toolErase: "Erase marks (E)",
  toolHint: "Set color hints (H)",
  toolView: "Move and compare (V)",
  tones: "Bring back tones",
  tools: "Tools",
  uncertainty: "Map of where it is unsure",
  undo: "Undo (Ctrl+Z)",
  verb: "What is done",
  zip: "All results",
  zipLabel: "Download all results as a ZIP file",
  zoomFit: "Whole picture (0)",
  zoomIn: "Zoom in (+)",
  zoomOut: "Zoom out (-)",
};

export const texts = {
  ...words,
  keyList: [
    ["V B E H", "view, brush, eraser, color hint"],
    ["[ ]", "smaller or larger brush"],
    ["Ctrl+Z, Ctrl+Shift+Z", "undo, redo"],
    ["+ - 0 1", "zoom in, out, whole picture, pixel for pixel"],
    ["arrows", "move the picture; with a tool, its cursor (Shift: larger steps)"],
    ["space", "with a tool and the arrows: paint, or set a hint; with the mouse: hold it to move the picture"],
    ["wheel, two fingers", "zoom and move"],
    ["O", "open files"],
  ],

  about: (picture) => `${picture.name} · ${picture.width} × ${picture.height} · ${picture.bits} bits`,
  added: (name, findings) => `${name} is open. ${findings.join("; ") || "Nothing was found to restore."}`,
  canceled: "Canceled. The picture is as it was.",
  copied: "The command is copied.",
  cursor: ({ x, y }) => `${x}, ${y}`,
  done: (seconds) => `Done in ${duration(seconds)}.`,
  file: (result, kept) =>
    [`${result.name} · ${bytes(result.bytes)}`, ...(kept.length ? [`Kept: ${kept.join(", ")}`] : [])].join(". "),
  estimate: ({ seconds, megabytes }) => `About ${duration(seconds)}, ${bytes(megabytes * 1e6)} of memory`,
  fillMarked: "Fill what is marked",
  foundMarks: "Shown is what was found. Paint or erase to correct it: then only the marked parts change.",
  givenMarks: "Only marked parts change; every other pixel stays as it is.",
  givenAndTones: "Marked parts are filled; tones change everywhere.",
  hint: ({ x, y }) => `Color at ${x}, ${y}`,
  looking: "Looking at it …",
  loaded: "The models are loaded.",
  loading: "The models are still loading; what you start waits for them.",
  nothingMarked: "Nothing is marked yet. Choose the brush and paint over what is damaged.",
  noServer: "the server does not answer; is `agerestore serve` still running?",
  noToken: "Open the address that `agerestore serve` prints: it holds the key to this page.",
  reading: (name) => `Reading ${name} …`,
  refused: (status) => `the server refused (${status})`,
  remove: (what) => `Remove ${what}`,
  restoreAnyway: "Restore anyway",
  restoreSo: "Restore with these settings",
  colorSo: "Color this picture",
  result: (what) => (what === "after" ? "Result" : what.replace("sample-", "Version ")),
  running: ({ state, place, done, total, seconds_left: left }) => {
    if (state === "queued") return place ? `Waiting: ${place} before it` : "Waiting";
    const time = left == null ? "" : `, about ${duration(left)} left`;
    return total ? `${done} of ${total} tiles${time}` : "Working";
  },
  runningFolder: ({ done, total }) => (total ? `${done} of ${total} pictures` : "Working"),
  share: (share) => `${percent(share)} of the picture is marked.`,
  started: "Started.",
  states: { new: "not restored yet", done: "done", failed: "failed", skipped: "was done before" },
  zoom: (scale) => `${Math.round(scale * 100)} %`,
};

/** Put the texts into the elements that ask for them. */
export function fill(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.append(words[element.dataset.text]);
  for (const element of root.querySelectorAll("[data-label]")) {
    element.ariaLabel = element.title = words[element.dataset.label];
  }
}

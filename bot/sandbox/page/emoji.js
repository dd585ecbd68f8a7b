// The emoji that people here use, by Slack's names.

export const EMOJI = {
  arrow_right: "➡️", bell: "🔔", black_circle: "⚫", bust_in_silhouette: "👤", construction: "🚧", eyes: "👀",
  fast_forward: "⏩", heavy_check_mark: "✔️", hourglass: "⌛", hourglass_flowing_sand: "⏳", information_source: "ℹ️",
  large_blue_circle: "🔵", large_green_circle: "🟢", large_orange_circle: "🟠", large_yellow_circle: "🟡",
  leftwards_arrow_with_hook: "↩️", lock: "🔒", mag: "🔍", no_entry: "⛔", octagonal_sign: "🛑", package: "📦",
  point_right: "👉", question: "❓", raised_hand: "✋", red_circle: "🔴", rewind: "⏪", rocket: "🚀",
  rotating_light: "🚨", stopwatch: "⏱️", tada: "🎉", thumbsup: "👍", unlock: "🔓", warning: "⚠️",
  white_check_mark: "✅", white_circle: "⚪", wrench: "🔧", x: "❌", zzz: "💤",
};

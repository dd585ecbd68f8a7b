// Times as a reader reads them: in their own zone, today and yesterday by name.

const at = (ts) => new Date(Number(ts) * 1000);
const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);
const hours = (date) => date.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });

export const clock = (ts) => hours(at(ts));
export const whole = (ts) => at(ts).toLocaleString([], { dateStyle: "full", timeStyle: "medium" });
export const iso = (ts) => at(ts).toISOString();
export const sameDay = (a, b) => midnight(at(a)) === midnight(at(b));

function near(date) {
  const days = Math.round((midnight(new Date()) - midnight(date)) / 86_400_000);
  return { 0: "today", 1: "yesterday", [-1]: "tomorrow" }[days];
}

/** The words on the line between two days. */
export function dayOf(ts) {
  const close = near(at(ts));
  if (close) return close[0].toUpperCase() + close.slice(1);
  return at(ts).toLocaleDateString([], { weekday: "long", month: "long", day: "numeric" });
}

/** "3 minutes ago" */
export function ago(date) {
  const seconds = Math.round((Date.now() - date) / 1000);
  if (Math.abs(seconds) < 45) return "just now";
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (Math.abs(seconds) < 3300) return words.format(-Math.round(seconds / 60), "minute");
  if (Math.abs(seconds) < 79_200) return words.format(-Math.round(seconds / 3600), "hour");
  return words.format(-Math.round(seconds / 86_400), "day");
}

const DATES = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  day_divider: { weekday: "long", month: "long", day: "numeric" },
};

/** Slack's {date_pretty} and the like, filled in. */
export function dated(date, format) {
  return format.replace(/\{(\w+)\}/g, (token, name) => {
    if (name === "time") return hours(date);
    if (name === "time_secs") return date.toLocaleTimeString();
    if (name === "ago") return ago(date);
    const close = name.endsWith("_pretty") || name === "day_divider_pretty" ? near(date) : "";
    const options = DATES[name.replace("_pretty", "")];
    return close || (options ? date.toLocaleDateString([], options) : token);
  });
}

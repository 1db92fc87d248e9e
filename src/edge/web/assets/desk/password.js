// One's own password is changed here and on the login page.
import { post } from "./api.js";
import { el, field, form, tell } from "./ui.js";
import { t } from "./words.js";

/// One's own password.
export function passwordForm(test = "password", done = () => {}, known = "") {
  const old = el("input", { type: "password", name: "old", required: true, autocomplete: "current-password", test: `${test}-old` });
  old.value = known;
  const next = el("input", { type: "password", name: "new", required: true, minLength: 8, maxLength: 128, autocomplete: "new-password", test: `${test}-new` });
  const twice = el("input", { type: "password", name: "twice", required: true, autocomplete: "new-password", test: `${test}-twice` });
  return form([field("desk.pass.old", old), field("desk.pass.new", next, "desk.pass.hint"), field("desk.pass.twice", twice)], "desk.pass.save", `${test}-form`, async () => {
    if (next.value !== twice.value) throw new Error(t("desk.pass.differ"));
    await post("/api/password", { old: old.value, new: next.value });
    tell(t("desk.pass.done"));
    await done();
  });
}

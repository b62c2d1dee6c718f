import {createAuth} from "/edgeauth/edgeauth.js";

const auth = createAuth({delivery: "cookie"});
const [form, main, orders, alert] = ["form", "main", "pre", "p"].map((name) => document.querySelector(name));
const attempt = (action) => action().then(() => alert.textContent = "", (e) => alert.textContent = e.error ?? "Please try again.");

const show = async () => {
  const session = await auth.session();
  form.hidden = session;
  main.hidden = !session;
  orders.textContent = session ? await (await auth.fetch("/orders")).text() : "";
};

auth.on(() => attempt(show)); // also when another tab signs in or out
form.onsubmit = (event) => {
  event.preventDefault();
  attempt(() => auth.login(Object.fromEntries(new FormData(form))));
};
main.querySelector("button").onclick = () => attempt(auth.logout);
attempt(show);

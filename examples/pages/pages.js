// One script for all pages. The texts and the form are in the pages, the rules in the client.
import {createAuth} from "/edgeauth/edgeauth.js";
import {createAccount} from "/edgeauth/edgeauth-account.js";

const $ = (id) => document.getElementById(id);
const auth = createAuth({delivery: "cookie"});
const account = createAccount(auth, linked);

const explain = ({error, tries_left, retryAfter}) => ({
  invalid_credentials: "The e-mail or the password is wrong.",
  invalid_code: `The code is wrong. Tries left: ${tries_left}.`,
  invalid_session: "This code has ended. Ask for another one.",
  password_not_allowed: "Choose another password: at least 8 characters, not a well-known one, and not the one before.",
  password_change_required: "You need a new password first. Ask for it under “Forgot the password?”.",
  too_many_requests: `Too many tries. Try again in ${retryAfter} seconds.`,
}[error] || "That did not work. Please try again.");

// run shows a refusal, and ignores a second press. The button stays enabled, because a disabled button loses the focus.
const run = (element, type, action) => element?.addEventListener(type, async (event) => {
  event.preventDefault();
  const button = type == "submit" ? element.querySelector("button") : element;
  if (button.ariaBusy == "true") return;
  button.ariaBusy = "true";
  $("problem").textContent = "";
  try {
    await action(type == "submit" ? Object.fromEntries(new FormData(element)) : {});
  } catch (e) {
    $("problem").textContent = explain(e);
  } finally {
    button.ariaBusy = "false";
    showFlow();
  }
});

const home = () => location.replace("./");

const begin = async (purpose, email) => {
  await account.begin(purpose, email);
  location.assign("code.html");
};

run($("sign-in"), "submit", async ({email, password, remember}) => {
  await auth.login({email, password, remember: !!remember});
  home();
});
run($("by-code"), "click", async () => {
  if ($("email").reportValidity()) await begin("login", $("email").value);
});
run($("sign-up"), "submit", ({email}) => begin("signup", email));
run($("forgot"), "submit", ({email}) => begin("reset", email));

run($("code"), "submit", async ({code, newPassword}) => {
  await account.verify(code, {newPassword});
  home();
});
run($("resend"), "click", async () => {
  await account.resend();
  $("digits").value = "";
  $("told").textContent = "Another mail is on its way. It has a new reference.";
});

// The answer to a request for a code never tells whether the address has an account, so the pages cannot tell either.
function showFlow() {
  if (!$("code")) return;
  const {flow} = account;
  $("code").hidden = !flow;
  $("none").hidden = !!flow || !!$("problem").textContent;
  if (!flow) return;
  $("sent").textContent = flow.purpose == "signup" ? "We have sent you a mail." : "If the address has an account, we have sent you a mail.";
  $("email").value = flow.email;
  $("reference").textContent = flow.reference;
  $("choose").hidden = $("new").disabled = flow.purpose == "login"; // a disabled field is not sent
}

// A link fills the code in. The user must send it, because mail scanners open links too.
function linked({code, reference}) {
  if (code) $("digits").value = code;
  else $("problem").textContent = `Type the code on the page where you began${reference ? `, beside the reference ${reference}` : ""}. This browser did not ask for it.`;
  showFlow();
  if (code) ($("new").disabled ? $("code").querySelector("button") : $("new")).focus();
}

const show = async () => {
  const session = await auth.session();
  if ($("sign-in") && session) return home();
  if (!$("account")) return;
  $("account").hidden = !session;
  $("signed-out").hidden = !!session;
  $("orders").textContent = session ? await (await auth.fetch("/orders")).text() : "";
};
run($("sign-out"), "click", auth.logout);

const refresh = () => show().catch((e) => $("problem").textContent = explain(e));
auth.on((type) => type != "reauth" && refresh()); // also when another tab signs in or out
showFlow();
if (account.flow) $("digits")?.focus();
refresh();

import {createServerAuth} from "@edgeauth/browser/server";

export const {ORIGIN = "http://localhost:3000", API = "http://127.0.0.1:8080"} = process.env;

export const authOf = createServerAuth({base: API, origin: ORIGIN});

// post returns a route that calls a path of the API, returns the cookies of its answer, and redirects to a page. bodyOf
// makes the body of the call from the fields of the form.
export const post = (path, to, bodyOf = () => ({})) => async (request) => {
  const auth = authOf(request.headers, request.method);
  const answer = await request.formData()
    .then((form) => bodyOf(Object.fromEntries(form)), () => ({})) // the API refuses what is missing
    .then((body) => auth.fetch(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)}))
    .catch(() => ({status: 503}));
  const headers = new Headers(answer.ok ? {Location: ORIGIN + to} : {});
  for (const line of auth.cookies) headers.append("Set-Cookie", line);
  return new Response(answer.ok ? null : "Refused.", {status: answer.ok ? 303 : answer.status, headers});
};

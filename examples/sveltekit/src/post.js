import {fail, redirect} from "@sveltejs/kit";

// post calls a path of the API and goes to a page. The hook returns the cookies of the answer.
export const post = async (auth, path, to, body = {}) => {
  const answer = await auth.fetch(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)}).catch(() => ({status: 503}));
  return answer.ok ? redirect(303, to) : fail(answer.status, {isRefused: true});
};

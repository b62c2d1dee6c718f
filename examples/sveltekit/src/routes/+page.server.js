import {post} from "../post.js";

// A load function only reads. Its promise is not awaited, so that the cookies are sent before the orders are rendered.
export const load = ({locals}) => ({
  orders: locals.auth.fetch("/orders").then(async (answer) => answer.ok ? {text: await answer.text()} : {}, () => ({isDown: true})),
});

export const actions = {
  order: ({locals}) => post(locals.auth, "/orders", "/"),
  signOut: ({locals}) => post(locals.auth, "/auth/logout", "/sign-in"),
};

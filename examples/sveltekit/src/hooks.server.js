// Pages that SvelteKit renders on the server, behind a sign-in. The browser talks only to this server, and the cookies
// of edgeauth are on its host.
//
//	npm run build
//	PORT=3000 ORIGIN=http://localhost:3000 API=http://127.0.0.1:8080 npm start
//
// ORIGIN must be in "origins" of edgeauth's configuration, and "cookie:__Host-Http-access" in "token_sources".
//
// The refresh is here and never in a load function or a component. A promise of a load function resolves after the headers
// of the answer were sent, so the browser would keep the old tokens. Each page would refresh again; with strict rotation
// the second use of a token counts as a theft, and ends the session.

import {env} from "$env/dynamic/private";
import {createServerAuth} from "@edgeauth/browser/server";

const authOf = createServerAuth({base: env.API || "http://127.0.0.1:8080", origin: env.ORIGIN || "http://localhost:3000"});

export const handle = async ({event, resolve}) => {
  const auth = event.locals.auth = authOf(event.request.headers, event.request.method);
  const isSignedIn = await auth.refresh().catch(() => {});
  const answer = isSignedIn == undefined ? new Response("The sign-in service cannot be reached.", {status: 503})
    : isSignedIn || event.route.id == "/sign-in" ? await resolve(event) : ask(event);
  for (const line of auth.cookies) answer.headers.append("Set-Cookie", line);
  answer.headers.set("Cache-Control", "no-store");
  answer.headers.set("Content-Security-Policy", "frame-ancestors 'none'");
  return answer;
};

// ask redirects to the sign-in. A request of SvelteKit's own script gets no page.
const ask = ({locals, isDataRequest}) => {
  const page = !isDataRequest && locals.auth.reload();
  return page ? new Response(page, {headers: {"Content-Type": "text/html"}}) : new Response(null, {status: 303, headers: {Location: "/sign-in"}});
};

// Pages that Next.js renders on the server, behind a sign-in. The browser talks only to this server, and the cookies
// of edgeauth are on its host.
//
//	npm run build
//	PORT=3000 ORIGIN=http://localhost:3000 API=http://127.0.0.1:8080 npm start
//
// ORIGIN must be in "origins" of edgeauth's configuration, and "cookie:__Host-Http-access" in "token_sources".
//
// The refresh is here and never in a component. A server component cannot set a cookie, so the browser would keep the old
// tokens. Each page would refresh again; with strict rotation the second use of a token counts as a theft, and ends the session.

import {NextResponse} from "next/server";
import {ORIGIN, authOf} from "./edgeauth.js";

const open = ["/sign-in", "/api/sign-in"]; // without a session

export const proxy = async (request) => {
  const auth = authOf(request.headers, request.method);
  let answer;
  try {
    answer = await auth.refresh() || open.includes(request.nextUrl.pathname) ? render(request, auth) : ask(auth);
  } catch {
    answer = new NextResponse("The sign-in service cannot be reached.", {status: 503});
  }
  for (const line of auth.cookies) answer.headers.append("Set-Cookie", line);
  answer.headers.set("Cache-Control", "no-store");
  answer.headers.set("Content-Security-Policy", "frame-ancestors 'none'");
  return answer;
};

// render forwards the new cookies to the rendering of the same request.
const render = (request, auth) => {
  for (const line of auth.cookies) {
    const [, name, value] = /^(.*?)=([^;]*)/.exec(line);
    request.cookies.set(name, value);
  }
  return NextResponse.next({request});
};

const ask = (auth) => {
  const page = auth.reload();
  return page ? new NextResponse(page, {headers: {"Content-Type": "text/html"}}) : NextResponse.redirect(ORIGIN + "/sign-in", 303);
};

export const config = {matcher: "/((?!_next/|favicon.ico).*)"};

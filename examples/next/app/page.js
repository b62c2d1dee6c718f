import {headers} from "next/headers";
import {Suspense} from "react";
import {authOf} from "../edgeauth.js";

// A component only reads: the proxy has refreshed, and its new cookies are in these headers.
const Orders = async () => {
  const answer = await authOf(await headers(), "GET").fetch("/orders").catch(() => {});
  if (!answer) return <p>The API cannot be reached.</p>;
  return answer.ok ? <pre>{await answer.text()}</pre> : <a href="/sign-in">Sign in again</a>;
};

// The rest of the page waits for nothing, so that the cookies are sent before the orders are rendered.
export default function Page() {
  return <>
    <Suspense fallback="Loading"><Orders/></Suspense>
    <form method="post" action="/api/orders"><button>Order</button></form>
    <form method="post" action="/api/sign-out"><button>Sign out</button></form>
  </>;
}

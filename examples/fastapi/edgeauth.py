"""edgeauth on a server in Python that renders pages: it calls the API in the name of the browser whose request it
answers. It has the rules of server.js; docs/browser.md says what each is for."""

import asyncio
import base64
import json
import time
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

LIMIT = 10  # seconds for a call of the API
EARLY = 30  # seconds before its end from which an access token is replaced
MARK = "auth-reloaded=1"  # the cookie of a browser that was told to reload


class Undecided(Exception):
    """The API decided nothing: answer 503."""


class ServerAuth:
    """Calls the API at base. origin is that of this server's pages, which must stand in "origins"."""

    def __init__(self, base, origin, client_id=None):
        self.base, self.origin, self.client_id = base.rstrip("/"), origin, client_id
        # Only one prefix is accepted: a page of another subdomain could set a cookie with the
        # second prefix.
        self.prefix = "__Host-Http-" if base.startswith("https") else "edgeauth-"
        # httpx would store the cookies of one user and send them for the next user.
        self.client = httpx.AsyncClient(cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])), timeout=LIMIT)

    def of(self, request):
        """Returns the calls for one request of a browser."""
        return RequestAuth(self, request)


class RequestAuth:
    """The calls of the API for one request of a browser."""

    def __init__(self, server, request):
        self.server, self.headers = server, request.headers
        self.is_read = request.method in ("GET", "HEAD")
        self.site = self.headers.get("sec-fetch-site", "")
        self.all = [pair for line in self.headers.getlist("cookie") for pair in line.split("; ")]
        self.jar = [cookie for cookie in self.all if self.is_ours(cookie)]
        self.cookies = []  # the values of Set-Cookie that the browser must get
        self.is_refused = False

    def is_ours(self, cookie):
        return cookie.startswith(self.server.prefix) and not cookie.endswith("=")

    def find(self, name):
        start = f"{self.server.prefix}{name}="
        return next((cookie for cookie in self.jar if cookie.startswith(start)), None)

    def left(self):
        """How many seconds the access token has left. The API verifies it; this only saves a call."""
        try:
            payload = self.find("access").split(".")[1]
            return json.loads(base64.urlsafe_b64decode(payload + "==="))["exp"] - time.time()
        except Exception:  # a client can send anything as a cookie
            return 0

    async def fetch(self, method, path, body=None, own=False):
        """Calls a path of the API with the cookies of the browser. body is sent as JSON. It raises Undecided if there is
        no answer within 10 seconds."""
        headers = {"cookie": "; ".join(self.jar), "user-agent": self.headers.get("user-agent")}
        if own:
            headers["origin"] = self.server.origin
        elif method not in ("GET", "HEAD"):
            # Our own Origin would vouch for every page that makes the browser send a request here.
            headers |= {"origin": self.headers.get("origin"), "sec-fetch-site": self.site}
        call = self.server.client.request(
            method, f"{self.server.base}/{path.lstrip('/')}", json=body, headers={name: value.encode("latin-1") for name, value in headers.items() if value})
        try:
            answer = await asyncio.wait_for(call, LIMIT)
        except (httpx.HTTPError, asyncio.TimeoutError) as e:
            raise Undecided from e
        for line in answer.headers.get_list("set-cookie"):
            self.cookies.append(line)
            cookie = line.split(";")[0]
            start = cookie.split("=")[0] + "="
            self.jar = [c for c in [*(old for old in self.jar if not old.startswith(start)), cookie] if self.is_ours(c)]
        return answer

    async def refresh(self):
        """Replaces an access token that is about to end. Returns whether the user seems to be signed in: the API decides.
        Call it once, in the middleware. It raises Undecided if the API decided nothing."""
        try:
            return await self.refresh_once()
        except Undecided:
            if self.left() > 0:
                return True
            raise

    async def refresh_once(self):
        if self.find("session") or self.left() > EARLY:
            return True
        # A picture or a frame in a page of another origin is not a visit of the user.
        is_visit = self.site not in ("same-site", "cross-site") or self.headers.get("sec-fetch-dest") == "document"
        if self.find("refresh") and (is_visit or not self.is_read):
            body = {"client_id": self.server.client_id} if self.server.client_id else {}
            answer = await self.fetch("POST", "/auth/refresh", body, own=self.is_read)
            if answer.is_success:
                return True
            try:
                self.is_refused = answer.json().get("terminal")
            except (AttributeError, ValueError):
                pass  # another server than the API has answered
            if not self.is_refused and (self.is_read or answer.status_code != 403):
                raise Undecided(f"HTTP status {answer.status_code}")
        return False

    def reload(self):
        """Returns the page to answer in the place of a redirect to the login page, or None. A browser that came by a link
        of another site kept its strict cookies back; the page reloads itself once."""
        is_cross = self.site == "cross-site"
        is_reload = self.is_read and (is_cross or self.is_refused) and MARK not in self.all
        if is_reload:
            self.cookies.append(MARK + ";Max-Age=10")
        if is_reload or is_cross:
            meta = "<meta http-equiv=refresh content=0>" if is_reload else ""
            return f"<!doctype html><title>Continue</title>{meta}<a href>Continue</a>"

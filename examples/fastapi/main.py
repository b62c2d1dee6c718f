"""Pages that FastAPI and Jinja render, behind a sign-in. The browser talks only to this server, and the cookies of
edgeauth are on its host. No script runs in the page.

    ORIGIN=http://localhost:3000 API=http://127.0.0.1:8080 uvicorn main:app --port 3000

ORIGIN must stand in "origins" of edgeauth's configuration, and "cookie:__Host-Http-access" in "token_sources".

The refresh is in the middleware and never in a template. A page is rendered after the header of the answer has left, so
the browser would keep the old tokens. Each page would refresh again; with strict rotation the second use of a token is a
theft, and ends the session."""

import os

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from jinja2 import Environment, FileSystemLoader

from edgeauth import ServerAuth, Undecided

auth = ServerAuth(os.environ.get("API", "http://127.0.0.1:8080"), os.environ.get("ORIGIN", "http://localhost:3000"))
pages = Environment(loader=FileSystemLoader(os.path.join(os.path.dirname(__file__), "templates")), autoescape=True, enable_async=True)
# Without redirect_slashes: its redirect would use the host of the request, which a client can
# choose.
app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)


@app.middleware("http")
async def refresh(request: Request, call_next):
    calls = request.state.auth = auth.of(request)
    try:
        if await calls.refresh() or request.scope["path"] == "/sign-in":
            answer = await call_next(request)
        elif page := calls.reload():
            answer = HTMLResponse(page)
        else:
            answer = RedirectResponse("/sign-in", 303)
    except Undecided:
        answer = PlainTextResponse("The API cannot be reached.", 503)
    for line in calls.cookies:
        answer.headers.append("set-cookie", line)
    answer.headers["cache-control"] = "no-store"
    answer.headers["content-security-policy"] = "frame-ancestors 'none'"
    return answer


def render(name, request):
    # The template is rendered while it is sent, so that the cookies are sent first.
    return StreamingResponse(pages.get_template(name).generate_async(orders=lambda: orders(request)), media_type="text/html")


async def orders(request):
    """Returns the orders for the page: a template only reads."""
    try:
        answer = await request.state.auth.fetch("GET", "/orders")
    except Undecided:
        return {"error": "The API cannot be reached."}
    return {"text": answer.text} if answer.is_success else {}


async def post(request, path, to, body):
    answer = await request.state.auth.fetch("POST", path, body)
    return RedirectResponse(to, 303) if answer.is_success else PlainTextResponse("Refused.", answer.status_code)


@app.get("/")
async def page(request: Request):
    return render("page.html", request)


@app.get("/sign-in")
async def form(request: Request):
    return render("sign-in.html", request)


@app.post("/sign-in")
async def sign_in(request: Request, email: str = Form(), password: str = Form()):
    return await post(request, "/auth/login", "/", {"email": email, "password": password, "delivery": "cookies"})


@app.post("/sign-out")
async def sign_out(request: Request):
    return await post(request, "/auth/logout", "/sign-in", {})


@app.post("/orders")
async def order(request: Request):
    return await post(request, "/orders", "/", {})

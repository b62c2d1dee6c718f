"""The API of the tests with FastAPI: python app.py PORT."""

import sys

import uvicorn
from fastapi import FastAPI, Response

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

app = FastAPI()


def route(path, methods, handler):
    def ran():
        return Response(handler, headers={"X-Ran": handler})

    app.add_api_route(path, ran, methods=methods, name=handler)


route("/open", ["GET", "HEAD"], "open")
route("/admin", METHODS, "admin")
route("/admin/{rest:path}", METHODS, "admin")
route("/reports", ["GET", "HEAD"], "reports")
route("/reports", ["POST"], "report")
route("/users/me", ["GET", "HEAD"], "me")
route("/users/{id}", ["GET", "HEAD"], "user")
route("/files/{name}", ["GET", "HEAD", "POST"], "file")
route("/files/{name}", ["DELETE"], "remove")

uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")

import {post} from "../../../edgeauth.js";

export const POST = post("/auth/logout", "/sign-in");

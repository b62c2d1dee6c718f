import {post} from "../../../edgeauth.js";

export const POST = post("/orders", "/");

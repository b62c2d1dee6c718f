import {post} from "../../../edgeauth.js";

export const POST = post("/auth/login", "/", ({email, password}) => ({email, password, delivery: "cookies"}));

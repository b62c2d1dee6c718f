import {post} from "../../post.js";

export const actions = {
  default: async ({locals, request}) => {
    const {email, password} = Object.fromEntries(await request.formData().catch(() => []));
    return post(locals.auth, "/auth/login", "/", {email, password, delivery: "cookies"});
  },
};

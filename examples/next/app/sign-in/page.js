export default function SignIn() {
  return <form method="post" action="/api/sign-in">
    <label>E-mail <input name="email" type="email" required/></label>
    <label>Password <input name="password" type="password" required/></label>
    <button>Sign in</button>
  </form>;
}

// authorize passes the event to the real authorizer, which the test runs at FUNCTION. Without
// Docker, the plugin cannot start a function with a custom runtime.
exports.authorize = async (event) => {
  const answer = await fetch(process.env.FUNCTION, { method: 'POST', body: JSON.stringify(event) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return JSON.parse(text)
}

exports.api = async (event) => {
  const authorizer = event.requestContext.authorizer
  return { statusCode: 200, body: (authorizer.lambda ?? authorizer).sub }
}

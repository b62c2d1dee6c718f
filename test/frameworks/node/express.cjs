// The API of the tests with Express: node express.cjs PACKAGE PORT, in the folder with the packages.

const { createRequire } = require('node:module')
const [, , name, port] = process.argv
const fromHere = createRequire(process.cwd() + '/')
const express = fromHere(name)
const override = fromHere('method-override')

const ran = (handler) => (req, res) => res.set('X-Ran', handler).send(handler)

const app = express()
app.use(override('X-HTTP-Method-Override'))
app.get('/open', ran('open'))
app.use('/admin', ran('admin'))
app.get('/reports', ran('reports'))
app.post('/reports', ran('report'))
app.get('/users/me', ran('me'))
app.get('/users/:id', ran('user'))
app.get('/files/:name', ran('file'))
app.post('/files/:name', ran('file'))
app.delete('/files/:name', ran('remove'))
app.listen(Number(port), '127.0.0.1')

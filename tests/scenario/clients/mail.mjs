// A real mail server for tests: smtp-server from npm on a free port of this machine, told by one JSON argument.
//   {"key", "cert"}        STARTTLS with these files
//   {"user", "password"}   wants them
//   {"refuse": 2}          the first mails get 451
//   {"lose": 1}            the next ones are kept, and the connection is cut before the reply
// Writes a line "PORT", and one of JSON for each mail that it kept: {"from", "to", "raw", "tls", "user", "replied"}.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const { SMTPServer } = createRequire(path.join(process.env.WEIR_CLIENTS, 'node', 'x.js'))('smtp-server');
const wanted = JSON.parse(process.argv[2]);
let refuse = wanted.refuse ?? 0;
let lose = wanted.lose ?? 0;
const server = new SMTPServer({
  disabledCommands: [...(wanted.key ? [] : ['STARTTLS']), ...(wanted.user ? [] : ['AUTH'])],
  key: wanted.key && fs.readFileSync(wanted.key),
  cert: wanted.cert && fs.readFileSync(wanted.cert),
  authOptional: !wanted.user,
  logger: false,
  onAuth(auth, session, done) {
    const fits = auth.username === wanted.user && auth.password === wanted.password;
    done(fits ? null : new Error('wrong user or password'), { user: auth.username });
  },
  onData(stream, session, done) {
    const pieces = [];
    stream.on('data', (piece) => pieces.push(piece));
    stream.on('end', () => {
      if (refuse > 0) {
        refuse -= 1;
        const later = new Error('come again');
        later.responseCode = 451;
        return done(later);
      }
      const replied = lose === 0;
      const { mailFrom, rcptTo } = session.envelope;
      const mail = { from: mailFrom.address, to: rcptTo.map((one) => one.address), raw: Buffer.concat(pieces).toString('latin1') };
      process.stdout.write(JSON.stringify({ ...mail, tls: session.secure, user: session.user ?? null, replied }) + '\n');
      if (replied) return done();
      lose -= 1;
      for (const connection of server.connections) connection._socket.destroy();
    });
  },
});
server.on('error', () => {}); // a client that hung up
server.listen(0, '127.0.0.1', () => process.stdout.write(server.server.address().port + '\n'));

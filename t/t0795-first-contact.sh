#!/bin/sh
# From a bare account on a booted machine, with sshd, systemd, python3 and node
# of Debian's and nothing of ours, to live apps that come up after a reboot.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/container.sh"

container_need
container_static
container_make
container_account deploy
container_boot || skip_all 'systemd-nspawn boots no container here'

set_up() {
	mkdir -p "$container_home/.local/bin" &&
		cp "$STATIC/deployd" "$container_home/.local/bin/" &&
		chroot "$CONTAINER" chown -R deploy: /home/deploy &&
		container_run loginctl enable-linger deploy
}

ok 'the account is set up' set_up

answers() {
	container_net curl -s -m 20 --retry 20 --retry-connrefused \
		--retry-delay 1 http://127.0.0.1:"$1"/
}

mkdir blog shop
cat >blog/package.json <<'EOF'
{ "name": "blog", "version": "1.0.0", "scripts": { "start": "node server.js" } }
EOF
cat >blog/server.js <<'EOF'
require('http').createServer((request, answer) => {
	answer.end(`blog 1, ${process.env.GREETING}\n`);
}).listen(process.env.PORT, '127.0.0.1');
EOF
cat >shop/Procfile <<'EOF'
web: python3 app.py
EOF
cat >shop/app.py <<'EOF'
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(("shop, %s\n" % os.environ.get("GREETING")).encode())

http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])),
                       Handler).serve_forever()
EOF

# Of Node.
cd "$TMP/blog" || exit 1
ok 'init of an app in Node' container_deploy init vps:blog
ok 'its first deploy' container_deploy
ok 'it answers on its port' answers 3000
is 'what it says' "$(cat "$OUT")" 'blog 1, undefined'

# Of Python, with another port.
cd "$TMP/shop" || exit 1
ok 'init of an app in Python' container_deploy init vps:shop
port=$(sed -n 's/^Environment=PORT=//p' shop.service)
ok 'its first deploy' container_deploy
ok 'it answers on its port' answers "$port"
is 'what it says' "$(cat "$OUT")" 'shop, None'

cd "$TMP/blog" || exit 1
sed -i 's/blog 1/blog 2/' server.js
ok 'a second deploy of the first' container_deploy
ok 'it answers' answers 3000
is 'with the new release' "$(cat "$OUT")" 'blog 2, undefined'
echo 'throw new Error("no database")' >server.js
fails 8 'a release that dies is switched back from' container_deploy
ok 'the one before answers' answers 3000
is 'as it did' "$(cat "$OUT")" 'blog 2, undefined'

container_reboot
is 'the machine is rebooted' $? 0
ok 'the one app answers again' answers 3000
is 'as it did before' "$(cat "$OUT")" 'blog 2, undefined'
ok 'the other answers again' answers "$port"
is 'as it did before, too' "$(cat "$OUT")" 'shop, None'

done_testing

#!/bin/sh
# From a bare account on a booted machine, with sshd, systemd, python3 and node
# of Debian's and nothing of ours, to live apps that come up after a reboot.
# It takes long.
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/container.sh"
. "$TOP/t/lib/static.sh"

container_need
static_need
container_make
container_account deploy
container_boot || skip_all 'systemd-nspawn boots no container here'

# An account that may not ask for linger, then one that may.
container_run systemctl -q mask --now --runtime polkit.service
ok 'deploy setup where the account may not ask for linger' \
	container_deploy setup deploy@vps
like 'says what the admin is to do' "$OUT" 'loginctl enable-linger deploy'
container_run systemctl -q unmask --runtime polkit.service
ok 'deploy setup once it may' container_deploy setup deploy@vps
like 'says that units run all the time' "$OUT" 'units of deploy run'
ok 'what it sent is whole' \
	cmp "$STATIC/deployd" "$container_home/.local/bin/deployd"

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
ok 'init of an app in Node' container_deploy init deploy@vps:blog
# Not in a command, where it would be read with ps.
set_greeting() {
	printf '%s\n' "$greeting" | container_deploy env set GREETING
}
greeting="it's \"\$HOME\" \\n 100%s #1; 'x'"
ok 'a variable is set' set_greeting
unlike 'its value is not shown' "$OUT" 'HOME'
ok 'its first deploy' container_deploy
unlike 'which does not show it either' "$OUT" '100%'
ok 'it answers on its port' answers 3000
is 'what it says' "$(cat "$OUT")" "blog 1, $greeting"

# Of Python, with another port.
cd "$TMP/shop" || exit 1
ok 'init of an app in Python' container_deploy init deploy@vps:shop
port=$(sed -n 's/^Environment=PORT=//p' shop.service)
ok 'its first deploy' container_deploy
ok 'it answers on its port' answers "$port"
is 'what it says' "$(cat "$OUT")" 'shop, None'

cd "$TMP/blog" || exit 1
sed -i 's/blog 1/blog 2/' server.js
ok 'a second deploy of the first' container_deploy
ok 'it answers' answers 3000
is 'with the new release' "$(cat "$OUT")" "blog 2, $greeting"
echo 'throw new Error("no database")' >server.js
fails 8 'a release that dies is switched back from' container_deploy
like 'with the last it said' "$OUT" 'no database'
ok 'the one before answers' answers 3000
is 'as it did' "$(cat "$OUT")" "blog 2, $greeting"
ok 'deploy restart' container_deploy restart
ok 'it answers' answers 3000
ok 'deploy logs' container_deploy logs -n 50
like 'has what the unit said' "$OUT" 'no database'
ok 'deploy run' container_deploy run -- node -e \
	'console.log(process.cwd(), process.env.GREETING.length)'
like 'is in the live release, with the environment' "$OUT" \
	"apps/blog/releases/.* ${#greeting}\$"

container_reboot
is 'the machine is rebooted' $? 0
ok 'the one app answers again' answers 3000
is 'as it did before' "$(cat "$OUT")" "blog 2, $greeting"
ok 'the other answers again' answers "$port"
is 'as it did before, too' "$(cat "$OUT")" 'shop, None'

done_testing

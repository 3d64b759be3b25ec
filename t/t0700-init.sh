#!/bin/sh
# deploy init: what it writes for each kind of project, proved by deploying a
# small real app of that kind to a store on this machine.  systemctl is a
# stand-in that reads the unit as systemd would and starts what it says.
# It takes long.
real_home=$HOME
. "$(dirname "$0")/lib/tap.sh"
. "$TOP/t/lib/app.sh"

SYSTEM=/usr/local/bin:/usr/bin:/bin
BIN=$HOME/.local/bin # first in the PATH of hooks
UNITS=$HOME/.config/systemd/user
mkdir -p "$BIN"
ln -s "$DEPLOYD_ROOT" "$HOME/apps"

cat >"$BIN/systemctl" <<'END'
#!/bin/sh
# systemctl --user [--quiet] VERB [UNIT], as far as the hooks go.
[ "$1" = --user ] || exit 1
shift
[ "$1" != --quiet ] || shift
verb=$1
for name; do :; done
name=${name%.service}
unit=$HOME/.config/systemd/user/$name.service
pid=$HOME/$name.pid

value() {
	sed -n "s/^$1=//p" "$unit" | sed "s|%h|$HOME|g"
}

case $verb in
daemon-reload) ;;
enable) grep -qx 'WantedBy=default.target' "$unit" ;;
restart)
	[ ! -f "$pid" ] || kill "$(cat "$pid")" 2>/dev/null
	command=$(value ExecStart | sed -n "s|^/bin/sh -c '\(.*\)'\$|\1|p" |
		sed 's/\$\$/$/g; s/%%/%/g; s/\\\(.\)/\1/g')
	cd "$(value WorkingDirectory)" && [ -n "$command" ] || exit 1
	# A line of the unit is one word: what it sets has no blanks.
	# shellcheck disable=SC2046
	env $(value Environment) PORT="$PORT" setsid sh -c "$command" \
		>"$HOME/$name.said" 2>&1 </dev/null &
	echo $! >"$pid"
	;;
is-active) kill -0 "$(cat "$pid")" ;;
show)
	echo ActiveState=active
	echo "MainPID=$(cat "$pid")"
	echo NRestarts=0
	echo Result=success
	;;
*) exit 1 ;;
esac
END
chmod 755 "$BIN/systemctl"

# begin APP: an empty project $TMP/APP, and the environment of the app's hooks
# on the "server", where nothing of this person's home shows.
port=$((20000 + $$ % 20000))
begin() {
	app=$1
	port=$((port + 1))
	mkdir -p "$TMP/$app" "$DEPLOYD_ROOT/$app"
	cd "$TMP/$app" || exit 1
	cat >"$DEPLOYD_ROOT/$app/env" <<END
HOME=$HOME
PATH=$BIN:$SYSTEM
PORT=$port
RUSTUP_HOME=${RUSTUP_HOME:-$real_home/.rustup}
END
}

# On the server's PATH, and working there.
can() {
	env -i HOME="$HOME" PATH="$BIN:$SYSTEM" "$@" >/dev/null 2>&1 </dev/null
}

# Each hook is a command for sh, and deploy takes the whole file.
hooks_parse() {
	grep -E '^(build|migrate|restart|check) = ' deploy.conf >"$TMP/.hooks"
	while read -r line; do
		sh -n -c "${line#*= }" || return 1
	done <"$TMP/.hooks"
	"$DEPLOY" diff
}

init() {
	ok "init: $app" "$DEPLOY" init "local:$app"
	cp "$OUT" "$TMP/$app.said"
	like 'says what to do next' "$OUT" "deploy -n"
	like 'the target is the remote production' ./deploy.conf \
		'^\[remote "production"\]'
	like 'by its url' ./deploy.conf "^url = local:$app$"
	ok 'deploy takes what was written' hooks_parse
	if [ -f "$app.service" ] && command -v systemd-analyze >/dev/null; then
		ok 'systemd takes the unit' systemd-analyze verify --user \
			--man=no "./$app.service"
	fi
	# The five seconds are waited for once, by the app in Node.
	[ "$app" = node ] || [ ! -f "$app.service" ] || echo 'check = true' >>deploy.conf
}

# talk: what the app answers on its port.
talk() {
	perl -MIO::Socket::INET -e '
		for (1 .. 100) {
			last if $s = IO::Socket::INET->new(
				"127.0.0.1:'"$port"'");
			select(undef, undef, undef, 0.1);
		}
		$s or die "nothing listens on '"$port"'\n";
		print $s "GET / HTTP/1.0\r\n\r\n";
		print while <$s>;' || {
		cat "$HOME/$app.said"
		return 1
	}
}

# serves TEXT: deploys, and the service answers so.
serves() {
	ok "deploy: $app" "$DEPLOY"
	[ ! -f "$HOME/$app.pid" ] || reap "$(cat "$HOME/$app.pid")"
	ok 'its unit was put in place' cmp "$app.service" \
		"$UNITS/$app.service"
	ok 'the service answers' talk
	like 'as the app does' "$OUT" "$1"
}

# again SED FILE TEXT: an edit, and the service answers with it.
again() {
	sed -i "$1" "$2"
	ok 'the next deploy' "$DEPLOY"
	reap "$(cat "$HOME/$app.pid")"
	ok 'restarts the service' talk
	like 'which is the new one' "$OUT" "$3"
}

#
# Pages, whatever is installed.
#
begin pages
mkdir public
echo '<p>hello' >public/index.html
echo 'not sent' >README
ok 'init -n' "$DEPLOY" init -n local:pages
is 'writes nothing' "$(ls)" 'README
public'
"$DEPLOY" init -qn local:pages >"$TMP/would" 2>/dev/null
init
is 'would have written that' "$(sed 1d "$TMP/would")" "$(cat deploy.conf)"
like 'dir is where the pages are' ./deploy.conf '^dir = public$'
is 'pages are no service' "$(ls ./*.service 2>/dev/null)" ''
ok 'deploy' "$DEPLOY"
is 'the pages arrive, and nothing else' \
	"$(ls "$DEPLOYD_ROOT/pages/current/")" index.html

begin bare
echo hello >index.html
init
unlike 'pages at the top need no dir' ./deploy.conf '^dir'

begin hugo
mkdir "$TMP/bin"
cat >"$TMP/bin/hugo" <<'END'
#!/bin/sh
mkdir -p public && echo "<p>hugo $*" >public/index.html
END
chmod 755 "$TMP/bin/hugo"
PATH=$TMP/bin:$PATH
echo "title = 'x'" >hugo.toml
init
ok 'what makes pages runs here' "$DEPLOY"
is 'and what it has made is deployed' \
	"$(cat "$DEPLOYD_ROOT/hugo/current/index.html")" '<p>hugo --minify'

#
# make, and a Procfile.
#
begin made
cat >Makefile <<'END'
BUILD = build
all: $(BUILD)/app
$(BUILD)/app: app.in ; mkdir -p $(BUILD); cp app.in $@; echo made >>$(BUILD)/log
END
cat >app.in <<'END'
use IO::Socket::INET;
my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]",
	Listen => 5, ReuseAddr => 1) or die;
while (my $c = $l->accept) {
	<$c>;
	print $c "made by make, $ARGV[1]\n";
	close $c;
}
END
cat >Procfile <<'END'
web: perl build/app "$PORT" '100% it'\''s'
release: echo released >"$HOME/released"
END
init
like 'the build directory is carried' ./deploy.conf '^carry = build$'
if can make --version && can perl -MIO::Socket::INET -e 1; then
	serves "^made by make, 100% it's$"
	ok 'release of Procfile ran' test -f "$HOME/released"
	again 's/made by/remade by/' app.in '^remade by'
	is 'on what the build before had left' \
		"$(grep -c made "$DEPLOYD_ROOT/made/current/build/log")" 2
else
	skip 'make: deploy' 'make or perl is not installed'
fi

#
# Node
#
begin node
mkdir -p lib/greet
cat >server.js <<'END'
require('http').createServer((q, a) => a.end(require('greet') + ' ' +
	require('fs').readFileSync('built', 'utf8') + process.env.NODE_ENV)
).listen(process.env.PORT, '127.0.0.1')
END
echo "module.exports = 'hello'" >lib/greet/index.js
echo '{"name":"greet","version":"1.0.0"}' >lib/greet/package.json
cat >package.json <<'END'
{ "name": "node", "version": "1.0.0", "private": true,
  "scripts": { "build": "echo built >built", "start": "node server.js" },
  "dependencies": { "greet": "file:lib/greet" } }
END
for program in node npm; do
	program_at=$(command -v $program) && can "$program_at" --version &&
		! can $program --version && ln -s "$program_at" "$BIN/$program"
done
if can node --version && can npm --version; then
	init
	like 'without a lock file: npm install' ./deploy.conf \
		'^build = npm install '
	like 'which is said' "$TMP/node.said" 'no lock file'
	echo node_modules/ >.gitignore
	serves '^hello built$'
	ok 'npm makes a lock file' npm install --package-lock-only --offline \
		--no-audit
	rm deploy.conf node.service
	init
	like 'with one: npm ci' ./deploy.conf '^build = npm ci '
	serves '^hello built$'
	like 'it is for production' "$OUT" '^production'
	again 's/hello/goodbye/' lib/greet/index.js '^goodbye built$'
	ok 'a rollback' "$DEPLOY" rollback
	reap "$(cat "$HOME/$app.pid")"
	ok 'restarts the service' talk
	like 'which is the one before' "$OUT" '^hello'
else
	skip 'node: deploy' 'node or npm is not installed'
fi

#
# Python
#
begin python
cat >app.py <<'END'
import http.server, os, sys
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.wfile.write(b"hello from " + sys.prefix.encode() + b"\n")
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])),
    Hello).serve_forever()
END
echo '# nothing yet' >requirements.txt
init
like 'a virtual environment is made' ./deploy.conf \
	'^build = python3 -m venv .venv$'
if can python3 -c 'import venv, ensurepip'; then
	serves '^hello from .*/releases/.*/\.venv$'
	again 's/hello/goodbye/' app.py '^goodbye from'
else
	skip 'python: deploy' 'python3-venv is not installed'
fi

begin django
mkdir site
: >site/wsgi.py
: >manage.py
echo gunicorn >requirements.txt
init
like 'Django migrates' ./deploy.conf \
	'^migrate = .venv/bin/python manage.py migrate --noinput$'
like 'and is served' ./django.service 'gunicorn .* site.wsgi:application'

#
# Go
#
begin golang
echo 'module example.org/golang' >go.mod
echo 'go 1.16' >>go.mod
cat >main.go <<'END'
package main

import (
	"net"
	"os"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		os.Exit(1)
	}
	for {
		if c, err := l.Accept(); err == nil {
			c.Write([]byte("hello from go\n"))
			c.Close()
		}
	}
}
END
init
if can env PATH="$BIN:$SYSTEM:/usr/local/go/bin" go version; then
	serves '^hello from go$'
	again 's/hello/goodbye/' main.go '^goodbye from go$'
else
	skip 'go: deploy' 'go is not installed'
fi

#
# Rust
#
begin rust
mkdir src
printf '[package]\nname = "hello-web"\nversion = "1.0.0"\nedition = "2018"\n' \
	>Cargo.toml
cat >src/main.rs <<'END'
use std::io::Write;
fn main() {
    let port = std::env::var("PORT").unwrap();
    let l = std::net::TcpListener::bind(format!("127.0.0.1:{}", port)).unwrap();
    for c in l.incoming() {
        let _ = c.unwrap().write_all(b"hello from rust\n");
    }
}
END
init
like 'target is carried' ./deploy.conf '^carry = target$'
if cargo_at=$(command -v cargo); then
	mkdir "$HOME/.cargo"
	ln -s "$(dirname "$cargo_at")" "$HOME/.cargo/bin"
fi
if can env PATH="$BIN:$SYSTEM:$HOME/.cargo/bin" \
	RUSTUP_HOME="${RUSTUP_HOME:-$real_home/.rustup}" cargo --version &&
	can cc --version; then
	serves '^hello from rust$'
	again 's/hello/goodbye/' src/main.rs '^goodbye from rust$'
else
	skip 'rust: deploy' 'cargo or cc is not installed'
fi

#
# Ruby
#
begin ruby
echo "source 'https://rubygems.org'" >Gemfile
cat >app.rb <<'END'
require 'socket'
l = TCPServer.new('127.0.0.1', ENV['PORT'].to_i)
loop do
  c = l.accept
  c.puts 'hello from ' + ENV['BUNDLE_GEMFILE'] + ' ' + ENV['RACK_ENV']
  c.close
end
END
init
like 'gems are carried' ./deploy.conf '^carry = vendor/bundle$'
if can ruby --version && can bundle --version; then
	serves '^hello from .*/Gemfile production$'
	again 's/hello/goodbye/' app.rb '^goodbye from'
else
	skip 'ruby: deploy' 'ruby or bundler is not installed'
fi

begin rails
mkdir -p config db app/assets
: >config/application.rb
: >config.ru
echo "gem 'rails'" >Gemfile
init
like 'Rails shares its directories' ./deploy.conf \
	'^shared = log/ tmp/ storage/$'
like 'and migrates' ./deploy.conf 'rails db:migrate$'

#
# PHP
#
begin php
mkdir -p public src
cat >composer.json <<'END'
{ "autoload": { "psr-4": { "App\\": "src/" } } }
END
cat >src/Hello.php <<'END'
<?php namespace App; class Hello { const TEXT = "hello from php"; }
END
echo '<?php require __DIR__."/../vendor/autoload.php"; echo App\Hello::TEXT;' \
	>public/index.php
init
like 'the web root is said' "$TMP/php.said" 'root be ~/apps/php/current/public$'
is 'php-fpm runs it' "$(ls ./*.service 2>/dev/null)" ''
if can php --version && can composer --version; then
	ok 'php: deploy' "$DEPLOY"
	ok 'what composer made is there' php \
		"$DEPLOYD_ROOT/php/current/public/index.php"
	like 'and found' "$OUT" '^hello from php$'
else
	skip 'php: deploy' 'php or composer is not installed'
fi

#
# Nothing that is known, and names.
#
begin unknown
echo words >notes.txt
init
like 'it says so' "$TMP/unknown.said" 'found nothing'
unlike 'no hook is guessed' ./deploy.conf \
	'^(build|migrate|restart|check) ='

mkdir "$TMP/My Shop!" "$TMP/---"
echo 'web: ./serve' >"$TMP/My Shop!/Procfile"
ok 'without a target' "$DEPLOY" init -C "$TMP/My Shop!"
like 'the app has the name of the directory' "$OUT" 'wrote my-shop.service'
like 'and the server is to be put in' "$OUT" 'put the server into deploy.conf'
like 'where an example stands' "$TMP/My Shop!/deploy.conf" \
	'^# url = deploy@example.org:my-shop$'
ok 'a name of which nothing is left' "$DEPLOY" init -C "$TMP/---"
like 'becomes app' "$TMP/---/deploy.conf" '@example.org:app$'

begin several
ok 'several targets' "$DEPLOY" init -t local:several -t ann@web1:several
is 'are one remote' "$(grep '^url' deploy.conf)" 'url = local:several
url = ann@web1:several'

#
# Events
#
begin events
echo 'web: ./serve' >Procfile
"$DEPLOY" init --json local:events >"$TMP/events.json" 2>/dev/null
is 'an event for each file, then the result' \
	"$(sed 's/^{"event":"\([a-z]*\)".*/\1/' "$TMP/events.json" |
		tr '\n' ' ')" 'write write result '
like 'with its path' "$TMP/events.json" '"path":"events.service".*"written":true'
rm deploy.conf events.service
"$DEPLOY" init -n --json local:events >"$TMP/events.json" 2>/dev/null
like 'with -n it says that it was not' "$TMP/events.json" \
	'"path":"deploy.conf".*"written":false}'
is 'and nothing else is on standard output' \
	"$(grep -vc '^{' "$TMP/events.json")" 0
ok 'init -q' "$DEPLOY" init -q
is 'prints nothing' "$(cat "$OUT")" ''

#
# Failures
#
begin fails
echo mine >deploy.conf
fails 1 'a deploy.conf is never overwritten' "$DEPLOY" init local:fails
like 'it is named' "$OUT" 'deploy.conf is there already'
like 'with what to do' "$OUT" 'move it away'
is 'it is as it was' "$(cat deploy.conf)" mine
ok '-n prints what it would be all the same' "$DEPLOY" init -n
rm deploy.conf
ln -s nowhere deploy.conf
fails 1 'nor is a link that leads nowhere' "$DEPLOY" init local:fails
ok 'and nothing was made there' test ! -e nowhere
rm deploy.conf
echo 'web: ./serve' >Procfile
echo mine >fails.service
fails 1 'nor is a unit' "$DEPLOY" init local:fails
like 'it is named' "$OUT" 'fails.service is there already'
is 'and no deploy.conf is written' "$(ls)" 'Procfile
fails.service'
rm fails.service

full() {
	trap '' XFSZ
	ulimit -f 1
	"$DEPLOY" init -q local:fails
}
fails 1 'a file that cannot be written whole' full
like 'is named' "$OUT" 'cannot write deploy.conf'
is 'and is not left behind' "$(ls)" Procfile
fails 1 'a directory that takes no files' "$DEPLOY" init -C /proc
like 'is told by the file' "$OUT" 'cannot write deploy.conf'
fails 1 'no directory' "$DEPLOY" init -C nowhere
like 'is named' "$OUT" 'nowhere: No such file'
fails 1 'a file is none' "$DEPLOY" init -C Procfile
like 'is named' "$OUT" 'Procfile: Not a directory'
echo '{ "scripts": }' >package.json
fails 1 'a package.json that is none' "$DEPLOY" init local:fails
like 'is told with its line' "$OUT" 'package.json:1: '
is 'and nothing is written' "$(ls)" 'Procfile
package.json'
fails 2 'no target' "$DEPLOY" init fails
like 'is told' "$OUT" "'fails' is no target"
fails 2 'no app' "$DEPLOY" init local:Fails
like 'is told' "$OUT" "'Fails' cannot be an app's name"
fails 2 'a word too many' "$DEPLOY" init local:fails public
fails 2 'an option of another verb' "$DEPLOY" init --force

done_testing

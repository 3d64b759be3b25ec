#!/bin/sh
# Building and installing from pristine sources, with and without configure.
. "$(dirname "$0")/lib/tap.sh"

! instrumented || skip_all 'it builds programs of its own'

unset SANITIZE COVERAGE INSTRUMENTED DESTDIR prefix

copy() {
	mkdir "$1" && (cd "$TOP" && tar cf - Makefile configure.ac src man \
		contrib) | tar xf - -C "$1"
}

listing() {
	(cd "$1" && find . | sort)
}

copy "$TMP/plain" || exit 1
listing plain >before
ok 'plain make installs below DESTDIR and prefix' make -j2 -C plain \
	BUILD="$TMP/objects" CFLAGS=-O1 DESTDIR="$TMP/x" prefix=/usr install
is 'what is installed, and where' "$(cd x && find . -type f | sort)" \
	'./usr/bin/deploy
./usr/bin/deployd
./usr/share/man/man1/deploy.1
./usr/share/man/man5/deploy-protocol.5
./usr/share/man/man5/deploy.conf.5
./usr/share/man/man5/deployd.conf.5
./usr/share/man/man8/deployd.8'
listing plain >after
ok 'nothing is written among the sources' cmp before after
is 'the programs are executable and the pages are not' \
	"$(find x -type f -perm -111 | sort)" \
	'x/usr/bin/deploy
x/usr/bin/deployd'
ok 'the client runs from where it was installed' x/usr/bin/deploy version
like 'and says its version' "$OUT" \
	"$(sed -n 's/^VERSION = //p' plain/Makefile)"
touch stamp
ok 'making again' make -C plain BUILD="$TMP/objects" CFLAGS=-O1
is 'makes nothing' "$(find objects -type f -newer stamp)" ''
ok 'clean removes the objects' make -C plain BUILD="$TMP/objects" clean
fails 1 'and the directory' test -e "$TMP/objects"

hardened() {
	readelf -hld "$1" >elf &&
		grep -q 'DYN' elf && grep -q 'GNU_RELRO' elf &&
		grep -Eq 'BIND_NOW|FLAGS.*NOW' elf &&
		grep -A1 GNU_STACK elf | grep -vq RWE
}

ok 'deploy is hardened' hardened x/usr/bin/deploy
ok 'deployd is hardened' hardened x/usr/bin/deployd

if command -v autoreconf >/dev/null && command -v aclocal >/dev/null; then
	copy "$TMP/configured" || exit 1
	ok 'autoreconf makes configure' sh -c 'cd configured && autoreconf'
	listing configured >before
	ok 'configure runs' sh -c \
		'cd configured && ./configure -q --prefix=/opt/deploy'
	listing configured >after
	is 'configure writes config.mk only' "$(diff before after |
		grep '^[<>]' | grep -v 'config\.\(log\|status\)')" \
		'> ./config.mk'
	ok 'make reads it' make -n -C configured BUILD="$TMP/objects" install
	like 'its prefix is used' "$OUT" '/opt/deploy/bin'
else
	skip 'configure' 'autoconf or automake is not installed'
fi

# A machine of 32 bits, for which there is no filter of system calls: not run,
# and without the headers of its own C library only looked at.
mkdir -p narrow/gnu
: >narrow/gnu/stubs-32.h
echo '#include <stdio.h>' >narrow/probe.c
narrow() {
	cc -m32 -std=gnu11 -D_GNU_SOURCE= -D_FILE_OFFSET_BITS=64 -Inarrow \
		"-I/usr/include/$(cc -print-multiarch)" "-I$TOP/src" \
		-fsyntax-only "$@"
}
if narrow narrow/probe.c 2>why; then
	ok 'the sources are for machines of 32 bits as well' narrow \
		"$TOP"/src/base/confine*.c "$TOP"/src/server/intake*.c
else
	skip 'machines of 32 bits' "$(head -n 1 why)"
fi

done_testing

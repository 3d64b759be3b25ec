#!/bin/sh
# The manuals say what the programs do: options, verbs, keys, statuses, frames
# and events are the same in both, in both directions.
. "$(dirname "$0")/lib/tap.sh"

cd "$TOP" || exit 1

# same NAME FILE FILE: the same words, whatever their order.
same() {
	sort -u "$2" >"$TMP/.program"
	sort -u "$3" >"$TMP/.page"
	if [ ! -s "$TMP/.program" ]; then
		is "$1" 'nothing was found in the sources' ''
	else
		is "$1" "$(comm -3 "$TMP/.program" "$TMP/.page" |
			sed 's/^	/only in the page: /; t
				s/^/not in the page: /')" ''
	fi
}

# section PAGE TITLE: that section (.Sh or .Ss), to the next of its kind.
section() {
	awk -v title="$2" '
		$1 == ".Sh" || ($1 == ".Ss" && kind != ".Sh") ||
			($1 == ".Ss" && substr($0, 5) == title) {
			inside = substr($0, 5) == title
			kind = $1
			next
		}
		inside' "$1"
}

# items MACRO: what `.It MACRO a , b' lists, a word a line.
items() {
	sed -n "s/^\\.It $1 //p" | sed 's/ *, */\n/g' | sed 's/ .*//'
}

# One line, so that patterns need not care for how it was broken.
joined() {
	cat "$@" | tr '\n\t' '  ' | tr -s ' '
}

# Options and verbs.
joined src/client/option_table.c |
	grep -oE "\{ (0|'.'), (NULL|\"[a-z-]+\"), OPTION_" |
	sed "s/^{ 0,//; s/^{ '\(.\)',/ -\1/; s/ NULL, OPTION_//
		s/ \"\([a-z-]*\)\", OPTION_/ --\1/" | tr -s ' ' '\n' |
	sed '/^$/d' | sort -u >"$TMP/options.deploy"
section man/deploy.1 Options | sed -n 's/^\.It Fl //p' |
	sed 's/ Ns.*//; s/ Ar.*//; s/ *, */\n/g' | sed 's/^/-/' \
	>"$TMP/options.page"
same 'the options of deploy(1) are those that deploy takes' \
	"$TMP/options.deploy" "$TMP/options.page"
ok 'deploy help' "$DEPLOY" help
cp "$OUT" "$TMP/help"
while read -r option; do
	case $option in
	*) grep -Eq -e "(^|[ ,])$option([ ,=[]|\$)" "$TMP/help" || echo "$option" ;;
	esac
done <"$TMP/options.deploy" >"$TMP/lacks"
is 'lists them all' "$(tr '\n' ' ' <"$TMP/lacks")" ''
sed -n '/words\[\] = {/,/}/p' src/client/options.c | grep -o '"[a-z]*"' |
	tr -d '"' | while read -r verb; do
	section man/deploy.1 Verbs |
		grep -Eq "(^|[ ,])${verb}[,.]|^\.It Cm $verb" || echo "$verb"
done >"$TMP/lacks"
is 'the words kept for later verbs are in deploy(1)' \
	"$(tr '\n' ' ' <"$TMP/lacks")" ''
joined src/deploy.c | grep -o '{ "[a-z]*", *verb_[a-z]*' |
	sed 's/{ "//; s/".*//' >"$TMP/verbs"
section man/deploy.1 Verbs | items Cm >"$TMP/verbs.page"
same 'its verbs are those of the table' "$TMP/verbs" "$TMP/verbs.page"
while read -r verb; do
	like "deploy help has $verb" "$TMP/help" "(^| )$verb( |\$)"
done <"$TMP/verbs"

"$DEPLOYD" --help | tr ' []' '\n' | grep '^--' >"$TMP/options"
grep -o 'Fl -[a-z]*' man/deployd.8 | sed 's/Fl /-/' >"$TMP/options.page"
same 'the options of deployd(8) are those of deployd --help' \
	"$TMP/options" "$TMP/options.page"
"$DEPLOYD" --help |
	sed -n 's/.*\[--root DIR\] \([a-z|]*\) \(\[-[a-z]\] \)*\[*APP.*/\1/p' |
	tr '|' '\n' >"$TMP/verbs"
section man/deployd.8 'For the admin' | items Cm >"$TMP/verbs.page"
same 'and its commands' "$TMP/verbs" "$TMP/verbs.page"

# keys FILE...: "section key" of the tables of settings.
keys() {
	joined "$@" |
		grep -o '{ *"[a-z]*", *\(true\|false\), *"[a-z_]*", *\(true\|false\)' |
		sed 's/{ *"\([a-z]*\)", *[a-z]*, *"\([a-z_]*\)".*/\1 \2/'
}

page_keys() {
	for s in "$@"; do
		awk -v s="[$s" '/^\.Sh/ { inside = 0 }
			$1 == ".Ic" && index($2, s) == 1 { inside = 1 }
			inside' "$page" | items Ic | sed "s/^/$s /"
	done
}

keys src/client/*.c >"$TMP/keys"
page=man/deploy.conf.5
page_keys app remote local hooks service >"$TMP/keys.page"
same 'the keys of deploy.conf(5) are those that deploy knows' \
	"$TMP/keys" "$TMP/keys.page"
keys src/server/*.c >"$TMP/keys"
page=man/deployd.conf.5
page_keys deployd app >"$TMP/keys.page"
same 'the keys of deployd.conf(5) are those that deployd knows' \
	"$TMP/keys" "$TMP/keys.page"

# Statuses.
sed -n 's/.*STATUS_[A-Z]* = \([0-9]*\),.*/\1/p' src/base/status.h >"$TMP/codes"
section man/deploy.1 'EXIT STATUS' | sed -n 's/^\.It //p' |
	sed 's/ *, */\n/g' >"$TMP/codes.page"
same 'the statuses of deploy(1) are those of status.h' \
	"$TMP/codes" "$TMP/codes.page"

# The environment.
variables() {
	cat "$@" | grep -o 'getenv("DEPLOYD*_[A-Z_]*")' | sed 's/.*("//; s/".*//'
}
variables src/client/*.c src/transport/*.c src/wire/*.c >"$TMP/names"
section man/deploy.1 ENVIRONMENT | items Ev |
	grep '^DEPLOY_' >"$TMP/names.page"
same 'the variables of deploy(1) are those that it reads' \
	"$TMP/names" "$TMP/names.page"
variables src/server/*.c src/wire/*.c >"$TMP/names"
section man/deployd.8 ENVIRONMENT | items Ev >"$TMP/names.page"
same 'the variables of deployd(8) are those that it reads' \
	"$TMP/names" "$TMP/names.page"
joined src/server/*.c | grep -o '"DEPLOY_[A-Z_]*[="]' | tr -d '"=' |
	grep -v DEPLOY_TRACE >"$TMP/names"
section man/deploy.conf.5 'Environment of hooks' | items Ev |
	grep '^DEPLOY_' >"$TMP/names.page"
same 'the variables of hooks are those that deployd sets' \
	"$TMP/names" "$TMP/names.page"

# Frames: those that are sent or looked for.  The intake, deployd's own other
# process, has three of its own.
joined src/wire/*.c src/client/*.c src/server/*.c |
	grep -oE '(MESSAGE_SEND|channel_sendf?)\([^,"]*, "[.a-z-]+"|\{ "[.a-z-]+", take_|type, "[.a-z-]+"' |
	sed 's/[^"]*"//; s/".*//' | grep -vx -e read -e got -e fail \
		-e settled -e parts >"$TMP/frames"
{
	section man/deploy-protocol.5 'FRAMES OF THE CLIENT'
	section man/deploy-protocol.5 'FRAMES OF THE SERVER'
} >"$TMP/frames.mdoc"
items Ic <"$TMP/frames.mdoc" >"$TMP/frames.page"
same 'the frames of deploy-protocol(5) are those of the programs' \
	"$TMP/frames" "$TMP/frames.page"

# page_fields FRAME: the keys that the page lists below it.
page_fields() {
	awk -v frame="$1" '/^\.It Ic/ { inside = $3 == frame }
		inside' "$TMP/frames.mdoc" | items Cm
}
for frame in hello push put live send need-end ask release status dropped fault finding \
	result; do
	struct=$(echo "$frame" | tr - _)
	joined src/wire/message.c | grep -o "F(msg_$struct,[^)]*)" |
		sed 's/[^"]*"//; s/".*//' >"$TMP/fields"
	# hello stands on both sides; push explains the words of `then'.
	page_fields "$frame" | sort -u |
		if [ "$frame" = push ]; then
			grep -vx -e activate -e build -e hold -e compare
		else
			cat
		fi >"$TMP/fields.page"
	same "the keys of $frame" "$TMP/fields" "$TMP/fields.page"
done

# Events.
section man/deploy.1 'JSON EVENTS' >"$TMP/events.mdoc"
joined src/deploy.c src/client/*.c | grep -o 'report_event("[a-z-]*"' |
	sed 's/.*("//; s/"//' >"$TMP/events"
items Ic <"$TMP/events.mdoc" >"$TMP/events.page"
same 'the events of deploy(1) are those of the sources' \
	"$TMP/events" "$TMP/events.page"
joined src/deploy.c src/client/*.c | grep -oE '"[a-z_-]+", "[sib]"' |
	sed 's/^"//; s/".*//' >"$TMP/fields"
sed -n 's/^\.Ar //p' "$TMP/events.mdoc" | tr ',;:' '\n' | tr -d ' ' |
	grep . >"$TMP/fields.page"
same 'and so are their fields' "$TMP/fields" "$TMP/fields.page"

# Completion.
for file in deploy.bash _deploy deploy.fish; do
	while read -r option; do
		case $file:$option in
		*.fish:--*) pattern="-l ${option#--}( |\$)" ;;
		*.fish:-?) pattern="-s ${option#-}( |\$)" ;;
		*) pattern="(^|[^a-z-])$option([^a-z-]|\$)" ;;
		esac
		grep -Eq -e "$pattern" contrib/completion/$file ||
			echo "$option"
	done <"$TMP/options.deploy" >"$TMP/lacks"
	is "$file completes every option" "$(tr '\n' ' ' <"$TMP/lacks")" ''
done

# The form of the pages, and what the README names.
for page in man/*.[158]; do
	if command -v mandoc >/dev/null; then
		ok "mandoc has nothing against $page" mandoc -Tlint -Wwarning "$page"
	else
		skip "mandoc has nothing against $page" 'mandoc is not installed'
	fi
done
grep -oE '(^|[ `])(contrib|man|t)/[a-z0-9./-]*[a-z0-9]' README |
	tr -d ' `' | while read -r path; do
	[ -e "$path" ] || echo "$path"
done >"$TMP/missing"
is 'what the README names is there' "$(cat "$TMP/missing")" ''

done_testing

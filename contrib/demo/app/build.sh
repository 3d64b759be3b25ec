#!/bin/sh
# Makes public/ out of pages/ and static/: each page's first line is its
# title, the rest its text.

set -eu
rm -rf public
mkdir public
cp -R static/. public/

for page in pages/*.txt; do
	name=${page##*/}
	title=$(head -n 1 "$page")
	{
		printf '<!doctype html>\n<meta charset="utf-8">\n'
		printf '<link rel="stylesheet" href="style.css">\n'
		printf '<title>%s</title>\n<h1>%s</h1>\n' "$title" "$title"
		tail -n +2 "$page" | sed 's|^$|<p>|'
		printf '<p><small>release %s</small>\n' "${DEPLOY_RELEASE:-none}"
	} >"public/${name%.txt}.html"
	echo "built ${name%.txt}.html"
done

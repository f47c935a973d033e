# acts-made.sh - of acts.sh, what makes things that are kept: de-identified
# objects and what traces them, catalogs, keys.
#
# shellcheck shell=sh disable=SC2034,SC2154

# ---- anon ------------------------------------------------------------------
#
# Two files, many, one object of the archive and many of it: few and many are
# made durable in different ways.

# made FOLDER: what has a name there, and its digest
made()
{
	find "$1" -type f -exec b2sum -l 256 {} + 2>/dev/null |
		sed "s|^\([^ ]*\)  $1/\(.*\)|\2 \1|" | sort
}

# instances FILE: of the lines of made
instances()
{
	sed 's|.*/\(.*\)\.dcm .*|\1|' "$1" | sort -u
}

# anonymize PART WORDS ...: of files, or of what is in $arch
anonymize()
{
	part_=$1
	shift
	case $part_ in
	in*) set -- "$@" "$part_" ;;
	*) set -- "$@" -C "$arch" ;;
	esac
	lies imganon -q --key key "$@" <"$part_.uids" 2>err
}
ANON='in0 one in1 many'

make_anon()
{
	mkdir raw in0 in1 kept && phantom small raw $((PER * 4)) >/dev/null ||
		quit 'no inputs'
	find raw -type f | sort | awk '{ print (NR > 2 ? NR % 3 : 3), $0 }' |
		while read -r n f; do
			case $n in
			3) mv "$f" in0/ ;;
			0) mv "$f" in1/ ;;
			*) mv "$f" kept/ ;;
			esac
		done
	imgimport -q -C refarch kept >/dev/null || quit 'no archive'
	sqlite3 refarch/catalog.db 'SELECT SOPInstanceUID,
		lower(hex(digest)) FROM instance
		JOIN object ON object.instance = instance.id' |
		sort -t '|' -k 1,1 >kept.list
	cut -d '|' -f 1 kept.list | head -n 1 >one.uids
	cut -d '|' -f 1 kept.list | tail -n +2 >many.uids
	: >in0.uids && : >in1.uids
	imganon --new-key key && imganon --new-trustee trustee || quit 'no keys'
	arch=refarch
	for part in $ANON; do
		anonymize $part -o ref --id-map ref.$part >/dev/null ||
			quit "imganon fails: $(cat err)"
	done
	made ref >ref.made
	# New UIDs and the objects of the archive that they were made from.
	cat ref.*-uids.csv | sort -u | tr , '|' | sort -t '|' -k 1,1 |
		join -t '|' -o 1.2,2.2 - kept.list | sort >ref.from
	[ "$(wc -l <ref.made)" = $((PER * 4)) ] &&
		[ "$(wc -l <ref.from)" = "$(wc -l <kept.list)" ] ||
		quit 'the reference is not whole'
}

base_anon()
{
	arch=m/arch
	cp -a refarch $arch || quit 'no archive'
}

do_anon()
{
	for part in $KINDS; do
		anonymize "$part" -o m/an --report m/report \
			--id-map "m/map.$part" \
			--linkage m/links --trustee trustee.pub >>f/out ||
			quit "imganon fails: $(cat err)"
	done
}

# linked: the new UIDs that the trustee can read
linked()
{
	imganon -q --reidentify --linkage m/links --trustee trustee \
		2>/dev/null | sed -n 's/^U,[^,]*,//p' | sort -u
}

# What has its name can be traced: in the map, by the trustee, in the log.
judge_anon()
{
	bad_=0
	sed -n 's|^{"status":"deidentified","path":"m/an/\([^"]*\)".*"digest":"\([0-9a-f]*\)".*}$|\1 \2|p' \
		out | sort -u >c.said
	said_=$(wc -l <c.said)
	made m/an >c.made
	within c.said c.made 'reported, and not there'
	within c.made ref.made 'under its name, and not as it should be'
	instances c.said >c.uids
	instances c.made >c.there
	cat m/map.*-uids.csv 2>/dev/null | cut -d , -f 2 | sort -u >c.map
	within c.there c.map 'there, and not in the map'
	linked >c.links
	within c.there c.links 'there, and not sealed'
	sed -n 's/^{"SOPInstanceUID":"\([^"]*\)",.*}$/\1/p' m/report \
		2>/dev/null | sort -u >c.report
	within c.uids c.report 'reported, and not in the report'
	join -t '|' -o 1.2 ref.from c.there | sort -u >c.from
	audited deidentified m/arch >c.audit
	within c.from c.audit 'there, and not in the audit log'
	return $bad_
}

again_anon()
{
	for part in $ANON; do
		anonymize $part -o m/an --report m/report \
			--linkage m/links --trustee trustee.pub >>out || {
			echo "$part, again: $(tail -n 1 err)"
			return 1
		}
	done
	made m/an >c.made
	cmp -s c.made ref.made || {
		echo 'not what comes without interruption'
		return 1
	}
	linked >c.links
	instances ref.made >c.there
	bad_=0
	within c.there c.links 'made again, and not sealed'
	imgverify -q --audit -C m/arch >c.verify 2>&1 ||
		problem 'imgverify --audit' c.verify
	return $bad_
}

# ---- rebuild ---------------------------------------------------------------
#
# Of an archive whose catalog is whole, has lost half, or is not there.

make_rebuild()
{
	phantom small in "$PER" >/dev/null || quit 'no inputs'
	with_twin refarch
	state refarch >ref
	[ -s ref ] || quit 'the reference is empty'
}

base_rebuild()
{
	for kind in $KINDS; do
		cp -a refarch m/$kind && case $kind in
		none) rm m/none/catalog.db* ;;
		half)
			sqlite3 m/half/catalog.db \
				'DELETE FROM object WHERE instance % 2' &&
				state m/half >old.half
			;;
		*) cp ref old.whole ;;
		esac || quit 'no harm done'
	done
}

do_rebuild()
{
	for kind in $KINDS; do
		# 1: what was there differs.
		lies imgverify --rebuild -q -C m/$kind >records 2>err
		[ $? -le 1 ] || quit "the rebuild fails: $(cat err)"
		echo "rebuilt $kind" >>f/out
	done
}

# one_catalog KIND: the old one or the new one, which it is if that was said;
# then the old one is beside it
one_catalog()
{
	grep -q "^rebuilt $1\$" out && new_=yes || new_=
	if [ "$1" = none ] && [ ! -e m/none/catalog.db ]; then
		[ -z "$new_" ] || echo "$1: said to be rebuilt, and not there"
		[ -z "$new_" ]
		return
	fi
	catalog "m/$1" || return
	state c.copy >c.state 2>/dev/null
	if cmp -s c.state ref; then
		[ -z "$new_" ] || [ "$1" = none ] || kept_old "$1"
	elif [ -n "$new_" ]; then
		echo "$1: said to be rebuilt, and is not"
		return 1
	else
		[ "$1" != none ] && cmp -s c.state "old.$1" || {
			echo "$1: neither the old catalog nor the new one"
			return 1
		}
	fi
}

kept_old()
{
	rm -rf c.old && mkdir c.old
	for f_ in "m/$1"/catalog.db.before-*; do
		case $f_ in
		*-shm) ;;
		*-wal) cp "$f_" c.old/catalog.db-wal ;;
		*) cp "$f_" c.old/catalog.db ;;
		esac
	done 2>/dev/null
	state c.old >c.state 2>/dev/null && cmp -s c.state "old.$1" || {
		echo "$1: the old catalog is not kept"
		return 1
	}
}

judge_rebuild()
{
	bad_=0 said_=$(($(grep -c '^rebuilt' out) * $(wc -l <ref)))
	for kind in $KINDS; do
		one_catalog $kind || bad_=1
	done
	return $bad_
}

again_rebuild()
{
	for kind in $KINDS; do
		imgverify --rebuild -q -C m/$kind >records 2>err
		[ $? -le 1 ] || {
			echo "$kind, again: $(tail -n 1 err)"
			return 1
		}
		catalog m/$kind || return
		state c.copy | cmp -s - ref || {
			echo "$kind, again: not the new catalog"
			return 1
		}
		imgverify -q --all -C m/$kind >c.verify 2>&1 &&
			imgverify -q --audit -C m/$kind >>c.verify 2>&1 || {
			echo "$kind, again: imgverify: $(tail -n 1 c.verify)"
			return 1
		}
	done
}

# ---- scrub -----------------------------------------------------------------
#
# Of an archive that is whole: nothing else may be said, nor change; but for an
# object that the medium does not give, where ROT is set.

make_scrub()
{
	make_rebuild
}

base_scrub()
{
	cp -a refarch m/arch || quit 'no copy'
}

do_scrub()
{
	lies imgverify --scrub -q -v -C m/arch >>f/out 2>err ||
		quit "the scrub fails: $(cat err)"
}

judge_scrub()
{
	bad_=0
	said_=$(grep -c '^{"status":"intact".*}$' out)
	grep -vE '^{"status":"(intact|failed'"${ROT:+|damaged}"')"' out |
		grep '}$' >c.diff
	[ ! -s c.diff ] || problem 'said to be wrong, and is not' c.diff
	catalog m/arch || return
	state c.copy | cmp -s - ref || {
		echo 'the catalog has changed'
		return 1
	}
	return $bad_
}

again_scrub()
{
	imgverify --scrub -q -C m/arch >c.verify 2>&1 &&
		imgverify -q --all -C m/arch >>c.verify 2>&1 &&
		imgverify -q --audit -C m/arch >>c.verify 2>&1 || {
		echo "again: imgverify: $(tail -n 1 c.verify)"
		return 1
	}
}

# ---- keys ------------------------------------------------------------------

# key NAME: one is made at m
key()
{
	case $1 in
	key*) lies imganon --new-key "m/keys/$1" ;;
	trustee*) lies imganon --new-trustee "m/keys/$1" ;;
	sign*) lies imgverify -q --new-sign-key "m/keys/$1" ;;
	esac 2>err
}

make_keys()
{
	for i in $(seq "$PER"); do
		for kind in $KINDS; do
			echo "$kind$i"
		done
	done >names
}

base_keys()
{
	mkdir m/keys || quit 'no folder'
}

sums_()
{
	(cd m/keys && find . -type f -exec b2sum {} +) | sort
}

do_keys()
{
	while read -r name; do
		key "$name" || quit "no key: $(cat err)"
		echo "$name" >>f/out
	done <names
	sums_ >ref.sums
}

# What has a name is whole; a public key is not there without its secret one.
judge_keys()
{
	bad_=0 said_=$(wc -l <out)
	sums_ >c.sums
	within c.sums ref.sums 'under its name, and not whole'
	sed 's|.*/||' c.sums | sort >c.names
	{ cat out && grep -v '^key' out | sed 's/$/.pub/'; } | sort >c.said
	within c.said c.names 'reported, and not there'
	grep 'pub$' c.names | sed 's/\.pub$//' | sort >c.pairs
	within c.pairs c.names 'a public key alone'
	return $bad_
}

# Half a pair is mended, with its own public key.
again_keys()
{
	bad_=0
	grep -vE 'pub$|^key' c.names | while read -r name; do
		[ -e "m/keys/$name.pub" ] || key "$name" ||
			echo "$name: $(tail -n 1 err)"
	done >c.diff
	[ ! -s c.diff ] || problem 'half a pair is not mended' c.diff
	sums_ >c.sums
	within c.sums ref.sums 'mended, and another'
	return $bad_
}

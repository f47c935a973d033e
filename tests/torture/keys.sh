# keys.sh - what verify.sh and faults.sh know of keys; after lib.sh.
#
#   whole_keys         one of each kind, and an image of in/ to try them with
#   keys               whether key??, trustee??, sign?? and their .pub are whole;
#                      of half a pair the other half is made: $mended
#   fit FILE           whether its public key is its own
#
# shellcheck shell=sh disable=SC2034,SC2154
mended=0

whole_keys()
{
	imganon --new-key whole.key && imganon --new-trustee whole.trustee &&
		imgverify -q --new-sign-key whole.sign || quit 'no keys'
	image_=$(find in -type f | head -n 1)
}

# keys: each is as long as a whole one
keys()
{
	for k_ in key?? trustee?? sign?? trustee??.pub sign??.pub; do
		[ -e "$k_" ] || continue
		w_=whole.$(echo "$k_" | sed 's/[0-9][0-9]//')
		[ "$(wc -c <"$k_")" = "$(wc -c <"$w_")" ] || {
			echo "$k_: half a key"
			return 1
		}
		case $k_ in
		key??) ;;
		*.pub) [ -e "${k_%.pub}" ] || {
			echo "$k_: alone"
			return 1
		} ;;
		*) [ -e "$k_.pub" ] || pair "$k_" || return ;;
		esac
	done
}

# pair FILE: what the next run makes of half a pair
pair()
{
	cp "$1" c.key && case $1 in
	sign*) imgverify -q --new-sign-key "$1" ;;
	*) imganon --new-trustee "$1" ;;
	esac 2>c.pair || {
		echo "$1: not mended: $(tail -n 1 c.pair)"
		return 1
	}
	mended=$((mended + 1))
	cmp -s "$1" c.key && fit "$1" || {
		echo "$1: another pair"
		return 1
	}
}

# fit FILE: whether its public key is its own
fit()
{
	case $1 in
	sign*) cmp -s -n 32 -i 32:0 "$1" "$1.pub" ;;
	*)
		rm -rf c.linked c.links && imganon -q --key whole.key \
			--linkage c.links --trustee "$1.pub" -o c.linked "$image_" \
			>/dev/null 2>&1
		imganon --reidentify --linkage c.links --trustee "$1" 2>/dev/null |
			grep -q '^U,'
		;;
	esac
}

# Completion for the img* commands in bash.  It asks the command itself
# (--options) and holds no option of its own.
#
# Installed under the name of each command; or source it as it is, and it
# finds the commands that lie beside imgimport.

_img()
{
	local cmd=$1 cur=$2 prev=$3 letter name arg choices
	local -a words=()
	local want='' among=''

	COMPREPLY=()
	# --name=value comes as three words where = breaks words.
	if [[ $cur == '=' ]]; then
		cur=''
	elif [[ $prev == '=' ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	while IFS=$'\037' read -r letter name arg choices _; do
		[[ -n $letter ]] && words+=("-$letter")
		words+=("--$name")
		if [[ -n $arg && ($prev == "--$name" ||
			(-n $letter && $prev == -*"$letter" &&
			$prev != --*)) ]]; then
			want=$arg among=$choices
		fi
	done < <("$cmd" --options 2>/dev/null | tr '\t' '\037')

	if [[ -n $among ]]; then
		mapfile -t COMPREPLY < <(compgen -W "${among//|/ }" -- "$cur")
	elif [[ $want == dir ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
	elif [[ -n $want && $want != file && $want != dest ]]; then
		return
	elif [[ -z $want && $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "${words[*]}" -- "$cur")
	else
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}

_img_register()
{
	local self=${1##*/} dir file

	if [[ $self != img.bash ]]; then
		complete -F _img "$self"
		return
	fi
	dir=$(type -P imgimport) || return
	for file in "${dir%/*}"/img*; do
		grep -qaF '(imgtools)' "$file" && complete -F _img "${file##*/}"
	done
}
_img_register "${BASH_SOURCE[0]}"
unset -f _img_register

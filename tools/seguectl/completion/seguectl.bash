# bash completion for seguectl
# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

_seguectl()
{
	local words=() prefix current word help i

	# what bash takes apart at = and : is one word for us
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if ((i > 1)) && [[ $word == [=:]* || ${COMP_WORDS[i - 1]} == *[=:] ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
	done
	current=${words[-1]}
	# and of that word it replaces only what comes after them
	prefix=${current%"${COMP_WORDS[COMP_CWORD]}"}
	[[ ${COMP_WORDS[COMP_CWORD]} == [=:] ]] && prefix=$current

	COMPREPLY=()
	while IFS=$'\t' read -r word help; do
		if [[ $word == :files ]]; then
			compopt -o filenames
			mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$current")
		elif [[ $word == "$current"* ]]; then
			COMPREPLY+=("${word#"$prefix"}")
			[[ $word == *[=:] ]] && compopt -o nospace
		fi
	done < <("$1" complete -- "${words[@]}" 2>/dev/null)
}

complete -F _seguectl seguectl

# fish completion for seguectl
# SPDX-FileCopyrightText: Copyright © Segue contributors
# SPDX-License-Identifier: MIT

function __seguectl_complete
	set -l words (commandline -opc) (commandline -ct)
	for line in ($words[1] complete -- $words[2..] 2>/dev/null)
		if string match -q ':files*' -- $line
			__fish_complete_path (string unescape -- (commandline -ct))
		else
			echo $line
		end
	end
end

complete -c seguectl -f -a '(__seguectl_complete)'

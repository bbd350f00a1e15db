-- What standard LSP leaves to the editor: fresh code lenses, a statusline, and commands that start from the cursor.
local card = require('tantu.card')
local M = { on = {} }
local jobs = {} -- What runs in the background, by its token.

local function warn(text)
  vim.notify('tantu: ' .. text, vim.log.levels.WARN)
end

local function running()
  return vim.lsp.get_clients({ bufnr = 0, name = 'tantu' })[1]
end

--- Keeps the code lenses of a buffer fresh.
function M.on.LspAttach(event)
  if vim.lsp.codelens.enable then
    return vim.lsp.codelens.enable(true, { bufnr = event.buf })
  end
  local function refresh()
    vim.lsp.codelens.refresh({ bufnr = event.buf })
  end
  refresh()
  vim.api.nvim_create_autocmd({ 'BufEnter', 'BufWritePost', 'InsertLeave', 'TextChanged' }, {
    group = vim.api.nvim_create_augroup('tantu.codelens.' .. event.buf, {}),
    buffer = event.buf,
    callback = refresh,
  })
end

--- Takes in what the server says of its work.
function M.on.LspProgress(event)
  local token, value = event.data.params.token, event.data.params.value
  jobs[token] = value.kind ~= 'end' and vim.tbl_extend('force', jobs[token] or {}, value) or nil
  vim.cmd.redrawstatus()
end

--- For 'statusline': `tantu`, with what it is busy with; empty where no server runs.
function M.status()
  local words = { running() and 'tantu' }
  for _, job in vim.spairs(words[1] and jobs or {}) do
    local detail = job.percentage and job.percentage .. ' %' or job.message or ''
    table.insert(words, vim.trim(job.title .. ' ' .. detail))
  end
  return (table.concat(words, ' · '):gsub('%%', '%%%%'))
end

--- The server's command line with `doctor` in the place of `lsp`.
function M.doctor(cmd)
  return vim.list_extend(vim.list_slice(cmd, 1, #cmd - 1), { 'doctor' })
end

--- Where the cursor is, in all the ways in which commands want to know it.
local function here(client)
  local place = vim.lsp.util.make_range_params(0, client.offset_encoding)
  place.uri, place.position = place.textDocument.uri, place.range.start
  return place
end

local function execute(client, command, argument, handler)
  client:exec_cmd({ title = command, command = command, arguments = { argument } }, nil, handler)
end

--- Asks for a text, unless `words` are one. Nothing follows when the question is cancelled.
local function ask(prompt, words, send)
  if #words > 0 then
    return send(table.concat(words, ' '))
  end
  vim.ui.input({ prompt = prompt .. ' (may be empty): ' }, function(text)
    return text and send(text)
  end)
end

--- Hands on what the server answers; says what went wrong, or that there is `nothing`.
local function expect(nothing, use)
  return function(err, answer)
    if err or not answer or answer == vim.NIL or vim.tbl_isempty(answer) then
      return warn(err and err.message or nothing)
    end
    return use and use(answer)
  end
end

--- Puts the callers that a lens counts into the quickfix list. Neovim itself shows nothing of what a command answers.
function M.show_callers(command, context)
  local client = assert(vim.lsp.get_client_by_id(context.client_id))
  local params = { command = command.command, arguments = command.arguments }
  client:request('workspace/executeCommand', params, expect('no callers', function(locations)
    local items = vim.lsp.util.locations_to_items(locations, client.offset_encoding)
    vim.fn.setqflist({}, ' ', { title = command.title, items = items })
    vim.cmd('botright copen')
  end))
end

--- Has the server show something about the definition under the cursor, in a window or with `vim.ui.open`.
local function shows(command, option)
  return function(client, words)
    local argument = vim.tbl_extend('error', here(client), { show = true, [option] = tonumber(words[1]) })
    execute(client, command, argument, expect('no definition under the cursor'))
  end
end

local function at_cursor(command)
  return function(client)
    execute(client, command, here(client))
  end
end

--- What may follow `:Tantu`: functions of the client, the other words, and the range.
local commands = {
  affected = at_cursor('tantu.runAffectedTests'),
  context = shows('tantu.context', 'budget'),
  explain = at_cursor('tantu.explain'),
  graph = shows('tantu.graph', 'depth'),
  reset = at_cursor('tantu.resetCells'),
  review = at_cursor('tantu.review'),
}

function commands.run(client, _, first, last)
  local argument = here(client)
  if first then
    argument.range = { start = { line = first - 1, character = 0 }, ['end'] = { line = last, character = 0 } }
  end
  execute(client, 'tantu.runHere', argument)
end

--- The tests of this file, or those that a change reaches, with signs beside what they execute; `off` removes the signs.
function commands.coverage(client, words)
  if words[1] == 'off' then
    return require('tantu.coverage').clear()
  end
  local uri = vim.uri_from_bufnr(0)
  local name = vim.fs.basename(vim.uri_to_fname(uri))
  local kind = (name:match('^test_') or name:match('_test%.py$') or name:match('^tests?%.py$')) and 'pytest' or 'affected'
  execute(client, 'tantu.run', { uri = uri, kind = kind, coverage = true })
end

function commands.propose(client, words)
  local argument = here(client)
  argument.assist = words[1] or 'implement-function'
  ask('Instruction for ' .. argument.assist, vim.list_slice(words, 2), function(text)
    argument.instruction = text ~= '' and text or nil
    execute(client, 'tantu.propose', argument)
  end)
end

function commands.adjust(_, words)
  card.wish = words[1] and table.concat(words, ' ')
  return card.answer('Adjust') or warn('no proposal waits for an answer')
end

function commands.evidence(client)
  if not card.focus() then
    execute(client, 'tantu.evidence', { show = true }, expect('nothing was proposed here'))
  end
end

function commands.impact(client)
  client:request('textDocument/hover', here(client), expect('no definition under the cursor', function(hover)
    card.open('impact', vim.split(hover.contents.value, '\n'), 'markdown')
  end))
end

function commands.status(client)
  local text = ('%s, in %s\n\n'):format(M.status(), client.root_dir or 'a single file')
  vim.system(M.doctor(client.config.cmd), { cwd = client.root_dir, text = true }, vim.schedule_wrap(function(doctor)
    card.open('status', vim.split(vim.trim(text .. doctor.stdout .. doctor.stderr), '\n'), 'text')
  end))
end

function commands.silence(client, words)
  local argument = here(client)
  ask('Reason', words, function(text)
    argument.reason = text
    execute(client, 'tantu.silence', argument)
  end)
end

M.names = vim.tbl_keys(commands)
table.sort(M.names)

--- What `:[range]Tantu WORD…` does; see the help.
function M.command(words, first, last)
  local client, command = running(), commands[words[1]]
  if not command then
    warn('there are :Tantu ' .. table.concat(M.names, ', '))
  elseif not client then
    warn('not running here; see :checkhealth tantu')
  else
    command(client, vim.list_slice(words, 2), first, last)
  end
end

--- Completions for the words of a `:Tantu` command line, one per line. Which assists there are, the server announces.
function M.words(_, line)
  local client = running()
  local assists = client and vim.tbl_get(client.server_capabilities, 'experimental', 'tantu', 'assists')
  return table.concat(line:match('propose%s') and (assists or {}) or M.names, '\n')
end

return M

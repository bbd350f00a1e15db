-- What standard LSP leaves to the editor: fresh code lenses, a statusline, and commands that start from the cursor.
local card = require('tantu.card')
local M = {}
local jobs = {} -- What runs in the background, by its token.

local function warn(text)
  vim.notify('tantu: ' .. text, vim.log.levels.WARN)
end

local function running()
  return vim.lsp.get_clients({ bufnr = 0, name = 'tantu' })[1]
end

--- Keeps the code lenses of a buffer fresh.
function M.attach(buffer)
  if vim.lsp.codelens.enable then
    return vim.lsp.codelens.enable(true, { bufnr = buffer })
  end
  local function refresh()
    vim.lsp.codelens.refresh({ bufnr = buffer })
  end
  refresh()
  vim.api.nvim_create_autocmd({ 'BufEnter', 'BufWritePost', 'InsertLeave', 'TextChanged' }, {
    group = vim.api.nvim_create_augroup('tantu.codelens.' .. buffer, {}),
    buffer = buffer,
    callback = refresh,
  })
end

--- Takes in what the server says of its work.
function M.progress(token, value)
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

local function here(client)
  return vim.lsp.util.make_position_params(0, client.offset_encoding)
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

--- Puts the callers that a lens counts into the quickfix list. Neovim itself shows nothing of what a command answers.
function M.show_callers(command, context)
  local client = assert(vim.lsp.get_client_by_id(context.client_id))
  local params = { command = command.command, arguments = command.arguments }
  client:request('workspace/executeCommand', params, function(err, locations)
    local items = vim.lsp.util.locations_to_items(locations or {}, client.offset_encoding)
    if #items == 0 then
      return warn(err and err.message or 'no callers')
    end
    vim.fn.setqflist({}, ' ', { title = command.title, items = items })
    vim.cmd('botright copen')
  end)
end

--- Says what went wrong, or that there is nothing.
local function tell(nothing)
  return function(err, shown)
    return (err or not shown or shown == vim.NIL) and warn(err and err.message or nothing)
  end
end

--- Has the server show something about the definition under the cursor, in a window or with `vim.ui.open`.
local function shows(command, option)
  return function(client, words)
    local argument = vim.tbl_extend('error', here(client), { show = true, [option] = tonumber(words[1]) })
    execute(client, command, argument, tell('no definition under the cursor'))
  end
end

local function about_file(command)
  return function(client)
    execute(client, command, { uri = vim.uri_from_bufnr(0) })
  end
end

--- What may follow `:Tantu`: functions of the client, the other words, and the range.
local commands = {
  affected = about_file('tantu.runAffectedTests'),
  context = shows('tantu.context', 'budget'),
  graph = shows('tantu.graph', 'depth'),
  reset = about_file('tantu.resetCells'),
}

function commands.run(client, _, first, last)
  local uri = vim.uri_from_bufnr(0)
  if first then
    local range = { start = { line = first - 1, character = 0 }, ['end'] = { line = last, character = 0 } }
    return execute(client, 'tantu.run', { uri = uri, kind = 'selection', range = range })
  end
  local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
  params.context = { diagnostics = {}, only = { 'tantu.run' } }
  client:request('textDocument/codeAction', params, function(err, actions)
    if not actions or not actions[1] then
      return warn(err and err.message or 'nothing to run at the cursor')
    end
    client:exec_cmd(actions[1].command)
  end)
end

function commands.propose(client, words)
  local assist, at = words[1] or 'implement-function', here(client)
  ask('Instruction for ' .. assist, vim.list_slice(words, 2), function(text)
    local argument = { assist = assist, uri = at.textDocument.uri, position = at.position }
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
    execute(client, 'tantu.evidence', { show = true }, tell('nothing was proposed here'))
  end
end

function commands.explain(client)
  execute(client, 'tantu.explain', here(client))
end

function commands.review(client)
  local at = here(client)
  execute(client, 'tantu.review', { uri = at.textDocument.uri, position = at.position })
end

function commands.impact(client)
  client:request('textDocument/hover', here(client), function(err, hover)
    if not hover then
      return warn(err and err.message or 'no definition under the cursor')
    end
    card.open('impact', vim.split(hover.contents.value, '\n'), 'markdown')
  end)
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
    execute(client, 'tantu.silence', vim.tbl_extend('error', argument, { reason = text }))
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

--- Completions for the words of a `:Tantu` command line, one per line.
function M.words(_, line)
  local assists = 'follow-comment implement-function fix-diagnostic fix-failing-test update-callers write-tests '
    .. 'refactor-function simplify reduce-complexity extract improve-names add-error-handling add-types make-async '
    .. 'write-docstring port-like generate-module'
  return ((line:match('propose%s') and assists or table.concat(M.names, ' ')):gsub(' ', '\n'))
end

return M

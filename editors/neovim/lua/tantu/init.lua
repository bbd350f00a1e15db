-- What standard LSP leaves to the editor: keeping code lenses fresh, and commands that start from the cursor.
-- Everything else (approval, progress, edits) is the server's, through Neovim's own handlers.
local M = {}

local function warn(text)
  vim.notify('tantu: ' .. text, vim.log.levels.WARN)
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

--- Runs the test, doctest or `__main__` whose lens is nearest at or above the cursor.
function M.run(client)
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  local params = { textDocument = vim.lsp.util.make_text_document_params() }
  client:request('textDocument/codeLens', params, function(err, lenses)
    local nearest
    for _, lens in ipairs(lenses or {}) do
      local line = lens.range.start.line
      local runs = lens.command and lens.command.command == 'tantu.run'
      if runs and line <= row and (not nearest or line >= nearest.range.start.line) then
        nearest = lens
      end
    end
    if nearest then
      client:exec_cmd(nearest.command)
    else
      warn(err and err.message or 'nothing to run at or above the cursor')
    end
  end)
end

--- Runs the selected lines.
function M.run_selection(client, first, last)
  local range = {
    start = { line = first - 1, character = 0 },
    ['end'] = { line = last, character = 0 },
  }
  local argument = { uri = vim.uri_from_bufnr(0), kind = 'selection', range = range }
  client:exec_cmd({ title = 'run', command = 'tantu.run', arguments = { argument } })
end

--- A command about the file in the buffer.
local function about_file(client, command)
  client:exec_cmd({ title = command, command = command, arguments = { { uri = vim.uri_from_bufnr(0) } } })
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
  end, context.bufnr)
end

--- Asks for a change at the cursor. Without an instruction the user is asked for one; it may be left empty.
function M.propose(client, assist, instruction)
  local at = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local argument = { assist = assist, uri = at.textDocument.uri, position = at.position }
  local function send(text)
    if text then -- Nil when the input was cancelled.
      argument.instruction = text ~= '' and text or nil
      client:exec_cmd({ title = assist, command = 'tantu.propose', arguments = { argument } })
    end
  end
  if instruction ~= '' then
    send(instruction)
  else
    vim.ui.input({ prompt = 'Instruction for ' .. assist .. ' (may be empty): ' }, send)
  end
end

--- Has the server show something about the definition under the cursor, in a window or with `vim.ui.open`.
local function show(client, command, options)
  local argument = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local params = { command = command, arguments = { vim.tbl_extend('error', argument, options, { show = true }) } }
  client:request('workspace/executeCommand', params, function(err, shown)
    if err or not shown or shown == vim.NIL then
      warn(err and err.message or 'no definition under the cursor')
    end
  end)
end

--- Draws what is around the definition.
function M.graph(client, depth)
  show(client, 'tantu.graph', { depth = tonumber(depth) })
end

--- Opens what a model would be shown to write or change the definition.
function M.context(client, budget)
  show(client, 'tantu.context', { budget = tonumber(budget) })
end

--- Silences the linter's finding under the cursor, for a reason that the user is asked for.
function M.silence(client, reason)
  local argument = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local function send(text)
    if text then -- Nil when the input was cancelled.
      argument.reason = text
      client:exec_cmd({ title = 'silence', command = 'tantu.silence', arguments = { argument } })
    end
  end
  if reason ~= '' then
    send(reason)
  else
    vim.ui.input({ prompt = 'Reason (may be empty): ' }, send)
  end
end

--- `:[range]Tantu run`, `:Tantu affected`, `:Tantu reset`, `:Tantu propose [ASSIST [INSTRUCTION…]]`, `:Tantu graph [DEPTH]`, `:Tantu context [BUDGET]`,
--- `:Tantu silence [REASON…]`
function M.command(arguments, first, last)
  local client = vim.lsp.get_clients({ bufnr = 0, name = 'tantu' })[1]
  if not client then
    warn('not running here; see :checkhealth vim.lsp')
  elseif arguments[1] == 'run' and first then
    M.run_selection(client, first, last)
  elseif arguments[1] == 'run' then
    M.run(client)
  elseif arguments[1] == 'affected' then
    about_file(client, 'tantu.runAffectedTests')
  elseif arguments[1] == 'reset' then
    about_file(client, 'tantu.resetCells')
  elseif arguments[1] == 'propose' then
    M.propose(client, arguments[2] or 'implement-function', table.concat(arguments, ' ', 3))
  elseif arguments[1] == 'graph' then
    M.graph(client, arguments[2])
  elseif arguments[1] == 'context' then
    M.context(client, arguments[2])
  elseif arguments[1] == 'silence' then
    M.silence(client, table.concat(arguments, ' ', 2))
  else
    warn(
      'usage: :[range]Tantu run | :Tantu affected | :Tantu reset | :Tantu propose [ASSIST [INSTRUCTION…]]'
        .. ' | :Tantu graph [DEPTH] | :Tantu context [BUDGET] | :Tantu silence [REASON…]'
    )
  end
end

--- Completions for the words of a `:Tantu` command line, one per line.
function M.words(_, line)
  local assists = 'follow-comment\nimplement-function\nfix-diagnostic\nrefactor-function\nwrite-docstring\n'
    .. 'write-tests\nreview\nexplain\nport-like\ngenerate-module'
  return line:match('propose%s') and assists or 'run\naffected\nreset\npropose\ngraph\ncontext\nsilence'
end

return M

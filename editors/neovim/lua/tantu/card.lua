-- The floating card: the question about a proposal, its diff or its evidence, and a key for each answer. It never takes
-- the cursor by itself: whoever is typing would answer.
local M = {}
local KEYS = { Apply = 'a', ['Apply confident parts'] = 'c', ['Choose parts'] = 'p', ['Show diff'] = 's', Why = 'w' }
KEYS.Adjust, KEYS.Discard = 'j', 'd'
local window, shown -- What `open` was told last.
local question -- What may be answered, and `respond`.
local is_looking = false -- Whether the last answer was a wish to see more.

local function is_open()
  return window and vim.api.nvim_win_is_valid(window)
end

local function close()
  return is_open() and vim.api.nvim_win_close(window, true)
end

--- Shows lines in the card, with the keys of the open question.
function M.open(title, lines, filetype)
  local enter = is_open() and vim.api.nvim_get_current_win() == window
  close()
  shown = { title, lines, filetype }
  local buffer, footer = vim.api.nvim_create_buf(false, true), ' q close '
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].filetype, vim.bo[buffer].bufhidden, vim.bo[buffer].modifiable = filetype, 'wipe', false
  vim.keymap.set('n', 'q', close, { buffer = buffer, desc = 'close the card' })
  for index, action in ipairs(question and question.actions or {}) do
    local key = KEYS[action.title] or tostring(index)
    footer = footer .. '· ' .. key .. ' ' .. action.title .. ' '
    vim.keymap.set('n', key, function()
      M.answer(action.title)
    end, { buffer = buffer, desc = action.title })
  end
  local width = math.min(vim.o.columns - 4, 100)
  local place = { relative = 'editor', anchor = 'NE', row = 1, col = vim.o.columns - 1, width = width, height = 1 }
  local look = { style = 'minimal', border = 'rounded', title = ' tantu: ' .. title .. ' ', footer = footer }
  window = vim.api.nvim_open_win(buffer, enter, vim.tbl_extend('error', place, look))
  vim.wo[window].wrap, vim.wo[window].linebreak = true, true
  local rows = vim.api.nvim_win_text_height(window, {}).all
  vim.api.nvim_win_set_height(window, math.max(1, math.min(rows, vim.o.lines - 6)))
end

--- Moves into the card, opening it again while a question waits; says whether there is one.
function M.focus()
  if question and not is_open() then
    M.open(unpack(shown))
  end
  return is_open() and (vim.api.nvim_set_current_win(window) or true)
end

--- Answers the open question as its button would; says whether there was one with such a button.
function M.answer(title)
  for _, action in ipairs(question and question.actions or {}) do
    if action.title == title then
      local respond = question.respond
      question, is_looking = nil, title == 'Show diff' or title == 'Why'
      respond(action, is_looking or close())
      return true
    end
  end
end

--- Handles `window/showMessageRequest`.
function M.ask(err, params, context)
  local thread, is_main = coroutine.running()
  local last = (params.actions or {})[#(params.actions or {})]
  if question or is_main or not last or last.title ~= 'Discard' then
    return vim.lsp.handlers['window/showMessageRequest'](err, params, context)
  end
  local respond = vim.schedule_wrap(function(action)
    coroutine.resume(thread, action)
  end)
  question = { actions = params.actions, respond = respond }
  if is_looking and is_open() then
    M.open(unpack(shown))
  else
    local lines = vim.split(params.message .. '\n\n:Tantu evidence moves here, :Tantu adjust has it changed', '\n')
    M.open(params.message:match('^[^:]*'), lines, 'text')
  end
  return coroutine.yield()
end

--- Handles `window/showDocument`: diffs and evidence go into the card.
function M.show(err, params, context)
  local name = vim.fs.basename(params.uri)
  local is_ours = name == 'evidence.md' or name:match('^proposal%-%d+%.md$') or name:match('%.diff$')
  if params.external or not is_ours then
    return vim.lsp.handlers['window/showDocument'](err, params, context)
  end
  local filetype = vim.endswith(name, '.diff') and 'diff' or 'markdown'
  M.open(name, vim.fn.readfile(vim.uri_to_fname(params.uri)), filetype)
  return { success = true }
end

--- Handles `tantu/input`: what should be different about a proposal? `wish` is what was said beforehand.
function M.input(_, params)
  local wish = M.wish
  M.wish = nil
  return { text = wish or vim.fn.input(params.prompt .. ' ') }
end

return M

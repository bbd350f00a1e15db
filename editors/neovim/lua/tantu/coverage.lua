-- Which statements a run has executed, as signs beside the lines.
local M = {}
local space = vim.api.nvim_create_namespace('tantu.coverage')
local signs = { hit = { '▎', 'DiagnosticOk' }, miss = { '▎', 'DiagnosticWarn' } }

--- Removes all signs.
function M.clear()
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    vim.api.nvim_buf_clear_namespace(buffer, space, 0, -1)
  end
end

local function mark(buffer, file)
  local missed = {}
  for _, line in ipairs(file.missed) do
    missed[line] = true
  end
  for _, line in ipairs(file.statements) do
    local sign = missed[line] and signs.miss or signs.hit
    -- The text may have become shorter meanwhile.
    pcall(vim.api.nvim_buf_set_extmark, buffer, space, line, 0, { sign_text = sign[1], sign_hl_group = sign[2] })
  end
end

--- Takes in what the server tells (`tantu/coverage`). Files that are opened later have their signs, too.
function M.show(_, params)
  M.clear()
  local files, all, missed = {}, 0, 0
  for _, file in ipairs(params.files) do
    files[vim.uri_to_fname(file.uri)] = file
    all, missed = all + #file.statements, missed + #file.missed
  end
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    local file = vim.api.nvim_buf_is_loaded(buffer) and files[vim.api.nvim_buf_get_name(buffer)]
    if file then
      mark(buffer, file)
    end
  end
  vim.api.nvim_create_autocmd('BufReadPost', {
    group = vim.api.nvim_create_augroup('tantu.coverage', {}),
    callback = function(event)
      local file = files[vim.api.nvim_buf_get_name(event.buf)]
      if file then
        mark(event.buf, file)
      end
    end,
  })
  local share = all > 0 and ('%d of %d statements'):format(all - missed, all) or 'no statement of the workspace'
  vim.notify(('tantu: executed %s in %d files'):format(share, #params.files))
end

return M

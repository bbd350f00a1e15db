;;; session.el --- A look around with eglot, as it comes -*- lexical-binding: t -*-

;; A third client, which shares nothing with the other two. Its own defaults count: nothing is configured but the command.

(package-initialize)
(require 'eglot)
(require 'seq)
(setq eglot-sync-connect 30
      eglot-confirm-server-initiated-edits nil
      inhibit-message nil)
(add-to-list 'eglot-server-programs (list 'python-mode (getenv "TANTU_COMMAND") "lsp"))

(defun must (holds what)
  (message (if holds "ok: %s" "FAILED: %s") what)
  (unless holds (kill-emacs 1))
  holds)

(defun wait (what condition)
  (let ((end (+ (float-time) 60)) found)
    (while (not (or (setq found (funcall condition)) (> (float-time) end)))
      (accept-process-output nil 0.05))
    (must found what)))

(defconst root default-directory)

(defun look-at (file text)
  "Open FILE and go to TEXT."
  (find-file (expand-file-name file root))
  (goto-char (point-min))
  (must (search-forward text nil t) (concat file " has " text))
  (goto-char (1+ (match-beginning 0))))

;; There is no repository around it.
(setq project-find-functions (list (lambda (_) (cons 'transient root))))

;; Findings.
(look-at "shop/repository.py" "import")
(call-interactively #'eglot)
(wait "the file is managed" #'eglot-current-server)
(flymake-mode 1)
(wait "the missing module is reported"
      (lambda ()
        ;; Without a window nobody is idle, which is what it waits for.
        (flymake-start)
        (seq-find (lambda (it) (string-match-p "shop\\.legacy" (flymake-diagnostic-text it))) (flymake-diagnostics))))

;; Hover, references.
(look-at "shop/money.py" "_require_same_currency(self, other")
(wait "the other file is managed too" #'eglot-current-server)
(let ((hover (jsonrpc-request (eglot-current-server) :textDocument/hover (eglot--TextDocumentPositionParams))))
  (must (string-match-p "3 callers" (format "%S" hover)) "a hover names the callers"))
(must (= 4 (length (xref-backend-references 'eglot nil))) "three calls and the definition")

;; Rename.
(eglot-rename "_require_currency")
(goto-char (point-min))
(must (not (search-forward "_require_same_currency" nil t)) "every place has the new name")
(set-buffer-modified-p nil)

(eglot-shutdown (eglot-current-server) nil 10)
(message "ok: the session has ended")

;;; session.el ends here
